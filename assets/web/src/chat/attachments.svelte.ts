/**
 * The pictures in the composer: each is sent as soon as it is attached, so that the message itself goes at once, and can be taken
 * back until then.
 */
import { ApiError, newKey, type UploadOptions } from '../api/client';
import type { MessageImage } from '../api/types';
import { type KeptPicture, objection, PICTURES_MAX, type Objection } from './pictures';

/** Who carries pictures to the server. */
export interface Carrier {
  sendPicture(file: Blob, options: UploadOptions): Promise<KeptPicture>;
  takeBack(picture: KeptPicture): void;
}

export class Attachment {
  readonly file: File;
  readonly name: string;
  state = $state<'sending' | 'ready' | 'failed'>('sending');
  /** Share that is sent, from 0 to 1. */
  sent = $state(0);
  /** What the server says to it; empty when it says nothing. */
  problem = $state('');
  /** The server will never take it, however often it is sent. */
  hopeless = $state(false);
  kept: KeptPicture | null = null;
  /** Sending it again with the same key keeps it once. */
  readonly key = newKey();
  abort = new AbortController();

  constructor(file: File) {
    this.file = file;
    this.name = file.name;
  }
}

/** A file that was not taken. */
export interface Refused {
  reason: Objection | 'picture_count';
  name: string;
}

export class Attachments {
  items = $state.raw<readonly Attachment[]>([]);
  refused = $state.raw<Refused | null>(null);
  readonly #carrier: Carrier;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  get busy(): boolean {
    return this.items.some(({ state }) => state === 'sending');
  }

  /** Whether a message can be sent with what is attached: all of it is there, or nothing is attached. */
  get settled(): boolean {
    return this.items.every(({ state }) => state === 'ready');
  }

  add(files: readonly File[]): void {
    this.refused = null;
    for (const file of files) {
      const reason = this.items.length >= PICTURES_MAX ? 'picture_count' : objection(file);
      if (reason) {
        this.refused = { reason, name: file.name };
        if (reason === 'picture_count') return;
        continue;
      }
      const item = new Attachment(file);
      this.items = [...this.items, item];
      void this.#send(item);
    }
  }

  again(item: Attachment): void {
    void this.#send(item);
  }

  remove(item: Attachment): void {
    this.items = this.items.filter((other) => other !== item);
    this.refused = null;
    item.abort.abort();
    if (item.kept) this.#carrier.takeBack(item.kept);
  }

  /** The pictures for a message; they are the message's from then on. */
  take(): MessageImage[] {
    const images = this.items.flatMap(({ kept }) => (kept ? [kept.image] : []));
    this.items = [];
    this.refused = null;
    return images;
  }

  /** Another conversation is open: what was attached belongs to the one before. */
  moved(conversation: string | null): void {
    for (const item of this.items) if (item.kept && item.kept.conversation !== conversation) this.remove(item);
  }

  async #send(item: Attachment): Promise<void> {
    item.state = 'sending';
    item.sent = 0;
    item.problem = '';
    item.abort = new AbortController();
    const { signal } = item.abort;
    try {
      const options = { idempotencyKey: item.key, signal, progress: (share: number) => (item.sent = share) };
      const kept = await this.#carrier.sendPicture(item.file, options);
      if (signal.aborted) return this.#carrier.takeBack(kept);
      item.kept = kept;
      item.state = 'ready';
    } catch (error) {
      if (signal.aborted) return;
      item.problem = error instanceof ApiError ? error.message : '';
      item.hopeless = error instanceof ApiError && error.status >= 400 && error.status < 429;
      item.state = 'failed';
    }
  }
}
