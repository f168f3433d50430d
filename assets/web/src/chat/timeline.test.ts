import { describe, expect, it } from 'vitest';
import type { Conversation, Message } from '../api/types';
import { applyPiece, startOf } from './draft';
import { entriesOf } from './entries';
import { conversationAfter, emptyTimeline, enqueue, fail, receive, receiveDraft, receiveFrame, retry, type Timeline } from './timeline';

function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    id: `msg_${seq}`,
    conversation_id: 'cnv_1',
    seq,
    author: 'visitor',
    author_name: null,
    text: `text ${seq}`,
    images: [],
    created_at: new Date(Date.UTC(2026, 0, 1, 12, 0, seq)).toISOString(),
    reply_to: null,
    client_key: null,
    answer: null,
    ...more,
  };
}

const piece = (text: string, offset: number, reply_to = 'msg_1') => ({ reply_to, text, offset, stage: 'writing' as const });
const seqs = (timeline: Timeline) => timeline.messages.map(({ seq }) => seq);

describe('draft', () => {
  it('replaces the text from the offset on', () => {
    let draft = applyPiece(null, piece('Hello wrld', 0));
    draft = applyPiece(draft, piece('world', 6));
    draft = applyPiece(draft, piece('!', 11));
    expect(draft.text).toBe('Hello world!');
  });

  it('passes over a piece that cannot be placed, and is made whole by a later one', () => {
    let draft = applyPiece(null, piece('Hello', 0));
    draft = applyPiece(draft, piece('lost in between', 9));
    expect(draft.text).toBe('Hello');
    draft = applyPiece(draft, piece('Hello again', 0));
    expect(draft.text).toBe('Hello again');
  });

  it('counts offsets in UTF-16 units', () => {
    expect(applyPiece(applyPiece(null, piece('😀', 0)), piece('!', 2)).text).toBe('😀!');
  });

  it('starts anew for another question', () => {
    expect(applyPiece(applyPiece(null, piece('Hello', 0)), piece('Other', 0, 'msg_2'))).toMatchObject({ replyTo: 'msg_2', text: 'Other' });
  });

  it('never shows half a character', () => {
    expect(startOf('a😀b', 2)).toBe('a');
    expect(startOf('a😀b', 3)).toBe('a😀');
    expect(startOf('ab', 9)).toBe('ab');
  });
});

describe('timeline', () => {
  it('keeps what arrives twice once, and in order whatever the order of arrival', () => {
    const timeline = [3, 1, 2, 2, 3].reduce((before, seq) => receive(before, message(seq)), emptyTimeline);
    expect(seqs(timeline)).toEqual([1, 2, 3]);
  });

  it('matches a stored message to the one being sent, by acknowledgement or by broadcast', () => {
    const sending = enqueue(emptyTimeline, 'key', 'Hi', '2026-01-01T12:00:00.000Z');
    const stored = message(1, { client_key: 'key' });
    const acknowledged = receiveFrame(sending, { type: 'ack', id: 'key', seq: 1, payload: { message: stored } });
    expect(acknowledged.pending).toEqual([]);
    const broadcast = receiveFrame(acknowledged, { type: 'chat_message', id: null, seq: 1, payload: stored });
    expect(seqs(broadcast)).toEqual([1]);
  });

  it('marks the refused message and no other', () => {
    let timeline = enqueue(emptyTimeline, 'a', 'A', '');
    timeline = enqueue(timeline, 'b', 'B', '');
    timeline = receiveFrame(timeline, { type: 'error', id: 'a', payload: { code: 'limited', detail: 'Slow down.', fatal: false } });
    expect(timeline.pending.map(({ state, reason }) => [state, reason])).toEqual([['failed', 'Slow down.'], ['sending', null]]);
    expect(retry(timeline, 'a').pending[0]).toMatchObject({ state: 'sending', reason: null });
  });

  it('a late confirmation clears a message that was given up', () => {
    const failed = fail(enqueue(emptyTimeline, 'key', 'Hi', ''), 'key', 'lost');
    expect(receive(failed, message(1, { client_key: 'key' })).pending).toEqual([]);
  });

  it('ends the draft with the message that completes it, and takes no late piece', () => {
    let timeline = receiveDraft(receive(emptyTimeline, message(1)), piece('Thirty', 0));
    timeline = receive(timeline, message(2, { author: 'assistant', reply_to: 'msg_1' }));
    expect(timeline.draft).toBeNull();
    expect(receiveDraft(timeline, piece('Thirty', 0)).draft).toBeNull();
  });

  it('drops a draft that the server no longer writes', () => {
    const drafting = receiveDraft(emptyTimeline, piece('Thirty', 0));
    const conversation = { id: 'cnv_1', state: 'open' as const, created_at: '', last_message_at: null, last_seq: 1, preview: null };
    const frame = { type: 'connected' as const, id: null, seq: 1 };
    expect(receiveFrame(drafting, { ...frame, payload: { conversation, assistant: 'idle' } }).draft).toBeNull();
    expect(receiveFrame(drafting, { ...frame, payload: { conversation, assistant: 'answering' } }).draft).not.toBeNull();
  });
});

describe('entries', () => {
  it('show the same pictures while they are sent and once they are stored', () => {
    const image = { id: 'img_1', media_type: 'image/png', width: 4, height: 3, size_bytes: 6 };
    const asked = enqueue(emptyTimeline, 'key', '', '2026-01-01T12:00:00.000Z', [image]);
    const stored = receive(asked, message(1, { client_key: 'key', text: '', images: [image] }));
    expect(entriesOf(asked).map(({ images }) => images)).toEqual([[image]]);
    expect(entriesOf(stored).map(({ images }) => images)).toEqual([[image]]);
  });

  it('keep their key from being written to being stored', () => {
    const asked = enqueue(emptyTimeline, 'key', 'Hi', '2026-01-01T12:00:00.000Z');
    const stored = receive(asked, message(1, { client_key: 'key' }));
    const drafting = receiveDraft(stored, piece('Thirty', 0));
    const answered = receive(drafting, message(2, { author: 'assistant', reply_to: 'msg_1' }));
    const keys = (timeline: Timeline) => entriesOf(timeline).map(({ key }) => key);
    expect(keys(asked)).toEqual(['sent:key']);
    expect(keys(drafting)).toEqual(['sent:key', 'reply:msg_1']);
    expect(keys(answered)).toEqual(keys(drafting));
  });

  it('have different keys when one question has two answers', () => {
    const answers = [1, 2].map((seq) => message(seq, { author: 'assistant', reply_to: 'msg_0' }));
    const keys = entriesOf({ ...emptyTimeline, messages: answers }).map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
  });

  it('group a run of one author and begin each day', () => {
    const late = message(3, { created_at: '2026-01-03T12:00:00.000Z' });
    const entries = entriesOf({ ...emptyTimeline, messages: [message(1), message(2), late] });
    expect(entries.map(({ first, last, day }) => [first, last, day !== null])).toEqual([
      [true, false, true],
      [false, true, false],
      [true, true, true],
    ]);
  });
});

describe('conversation', () => {
  const open: Conversation = { id: 'cnv_1', state: 'open', created_at: '2026-01-01T12:00:00.000Z', last_message_at: null, last_seq: 0, preview: null };
  const changed = (payload: Conversation) => ({ type: 'conversation_changed' as const, id: null, payload });

  it('has ended as soon as anybody ends it', () => {
    expect(conversationAfter(open, changed({ ...open, state: 'ended' }))?.state).toBe('ended');
  });

  it('is not touched by the end of another conversation, nor by a message', () => {
    expect(conversationAfter(open, changed({ ...open, id: 'cnv_2', state: 'ended' }))).toBe(open);
    expect(conversationAfter(open, { type: 'chat_message', id: null, seq: 1, payload: message(1) })).toBe(open);
  });

  it('has ended when a message is refused for that reason', () => {
    const refused = { type: 'error' as const, id: 'key', payload: { code: 'conversation_ended', detail: 'It has ended.', fatal: false } };
    expect(conversationAfter(open, refused)?.state).toBe('ended');
    expect(conversationAfter(null, refused)).toBeNull();
  });

  it('does not move the messages when it ends', () => {
    const timeline = receive(emptyTimeline, message(1));
    expect(receiveFrame(timeline, changed({ ...open, state: 'ended' }))).toBe(timeline);
  });
});
