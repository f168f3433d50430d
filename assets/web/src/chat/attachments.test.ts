import { describe, expect, it } from 'vitest';
import { ApiError, NetworkError, type UploadOptions } from '../api/client';
import { Attachments, type Carrier } from './attachments.svelte';
import { filesIn, fitted, type KeptPicture, objection, PICTURE_BYTES_MAX, PictureStore } from './pictures';

const file = (name: string, type = 'image/png') => new File(['pixels'], name, { type });

/** A server whose answers the test gives. */
class Server implements Carrier {
  readonly sent: { name: string; options: UploadOptions; answer: (kept: KeptPicture) => void; refuse: (error: Error) => void }[] = [];
  readonly takenBack: string[] = [];

  sendPicture(sent: Blob, options: UploadOptions): Promise<KeptPicture> {
    return new Promise((answer, refuse) => this.sent.push({ name: (sent as File).name, options, answer, refuse }));
  }

  takeBack({ image }: KeptPicture): void {
    this.takenBack.push(image.id);
  }
}

const kept = (id: string, conversation = 'cnv_1'): KeptPicture => ({ conversation, image: { id, media_type: 'image/png', width: 4, height: 3, size_bytes: 6 } });
const turn = () => new Promise((resolve) => setTimeout(resolve));

describe('attachments', () => {
  it('are sent at once and go with the message when all are there', async () => {
    const server = new Server();
    const attachments = new Attachments(server);
    attachments.add([file('a.png'), file('b.png')]);
    expect(server.sent.map(({ name }) => name)).toEqual(['a.png', 'b.png']);
    server.sent[0]?.options.progress(0.5);
    expect([attachments.items[0]?.sent, attachments.busy, attachments.settled]).toEqual([0.5, true, false]);
    server.sent[1]?.answer(kept('img_b'));
    server.sent[0]?.answer(kept('img_a'));
    await turn();
    expect(attachments.settled).toBe(true);
    expect(attachments.take().map(({ id }) => id)).toEqual(['img_a', 'img_b']);
    expect(attachments.items).toEqual([]);
    expect(server.takenBack).toEqual([]);
  });

  it('are taken back when they are removed, also while they are being sent', async () => {
    const server = new Server();
    const attachments = new Attachments(server);
    attachments.add([file('a.png'), file('b.png')]);
    const [first, second] = attachments.items;
    if (!first || !second) throw new Error('two were attached');
    attachments.remove(first);
    expect(server.sent[0]?.options.signal.aborted).toBe(true);
    server.sent[0]?.answer(kept('img_a'));
    server.sent[1]?.answer(kept('img_b'));
    await turn();
    attachments.remove(second);
    expect(server.takenBack).toEqual(['img_a', 'img_b']);
    expect(attachments.settled).toBe(true);
  });

  it('say why one was refused and are sent again with the same key', async () => {
    const server = new Server();
    const attachments = new Attachments(server);
    attachments.add([file('a.png')]);
    server.sent[0]?.refuse(new ApiError(503, { detail: 'Many pictures are being sent.' }, null));
    await turn();
    const [item] = attachments.items;
    expect([item?.state, item?.problem, attachments.settled]).toEqual(['failed', 'Many pictures are being sent.', false]);
    expect(item?.hopeless).toBe(false);
    if (item) attachments.again(item);
    server.sent[1]?.refuse(new NetworkError('gone'));
    await turn();
    expect([item?.state, item?.problem]).toEqual(['failed', '']);
    expect(server.sent[1]?.options.idempotencyKey).toBe(server.sent[0]?.options.idempotencyKey);
    if (item) attachments.again(item);
    server.sent[2]?.refuse(new ApiError(400, { detail: 'This picture is damaged.' }, null));
    await turn();
    expect([item?.problem, item?.hopeless]).toEqual(['This picture is damaged.', true]);
  });

  it('are at most four, and only pictures', () => {
    const server = new Server();
    const attachments = new Attachments(server);
    attachments.add([file('notes.pdf', 'application/pdf'), file('a.png')]);
    expect(attachments.refused).toEqual({ reason: 'picture_type', name: 'notes.pdf' });
    attachments.add(['b', 'c', 'd', 'e'].map((name) => file(name)));
    expect([attachments.items.length, attachments.refused?.reason]).toEqual([4, 'picture_count']);
    expect(objection({ type: 'image/png', size: PICTURE_BYTES_MAX + 1 })).toBe('picture_size');
    expect(objection({ type: 'image/svg+xml', size: 1 })).toBe('picture_type');
  });

  it('stay with the conversation they were attached in', async () => {
    const server = new Server();
    const attachments = new Attachments(server);
    attachments.add([file('a.png')]);
    server.sent[0]?.answer(kept('img_a'));
    await turn();
    attachments.moved('cnv_1');
    expect(attachments.items.length).toBe(1);
    attachments.moved('cnv_2');
    expect([attachments.items.length, server.takenBack]).toEqual([0, ['img_a']]);
  });
});

describe('pictures', () => {
  it('are fetched once, and again after a failure', async () => {
    const store = new PictureStore();
    let fetches = 0;
    const good = () => ((fetches += 1), Promise.resolve(new Blob(['x'])));
    await expect(store.get('a', () => Promise.reject(new Error('gone')))).rejects.toThrow();
    await store.get('a', good);
    await store.get('a', good);
    expect(fetches).toBe(1);
    for (let n = 0; n < PictureStore.KEPT_MAX; n += 1) store.keep(`b${n}`, new Blob([]));
    await store.get('a', good);
    expect(fetches).toBe(2);
  });

  it('fit into a box without being stretched', () => {
    expect(fitted({ width: 2_000, height: 1_000 }, 100)).toEqual({ width: 100, height: 50 });
    expect(fitted({ width: 10, height: 20 }, 100)).toEqual({ width: 10, height: 20 });
    expect(fitted({ width: 9_000, height: 1 }, 100)).toEqual({ width: 100, height: 1 });
  });

  it('that come with copied text are not meant', () => {
    const files = [file('a.png')] as unknown as FileList;
    expect(filesIn({ files, types: ['Files'] })).toHaveLength(1);
    expect(filesIn({ files, types: ['text/plain', 'Files'] })).toHaveLength(0);
    expect(filesIn(null)).toEqual([]);
  });
});
