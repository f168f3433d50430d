/**
 * Keeps one conversation live: a WebSocket, or server-sent events where a proxy breaks WebSockets, opened again with growing,
 * jittered pauses and resumed after the last message seen.
 *
 * The place to resume from moves only with `chat_message` frames, which come in order. An `ack` may overtake a message of
 * somebody else, and resuming after it would lose that one.
 *
 * The world (sockets, timers, chance) is handed in, so that every path is tested without waiting.
 */
import type { ClientFrame, ServerFrame } from '../api/types';

/** One open attempt; exactly one of `lost` and `refused` ends it. */
export interface LinkEvents {
  opened(): void;
  /** Bytes came, whether or not they were a frame. */
  heard(): void;
  frame(frame: ServerFrame): void;
  lost(): void;
  refused(reason: Refusal): void;
}

/** Why opening again is pointless: the sign-in does not hold, or there is no such conversation. */
export type Refusal = 'unauthorized' | 'missing';

export interface Link {
  /** False when this link cannot send (it is a stream, or not open). */
  send(frame: ClientFrame): boolean;
  close(): void;
}

export interface World {
  socket(afterSeq: number, events: LinkEvents): Link;
  stream(afterSeq: number, events: LinkEvents): Link;
  /** Calls once after `ms`; the answer cancels it. */
  after(ms: number, call: () => void): () => void;
  /** In [0, 1). */
  random(): number;
  online(): boolean;
}

export type Status = 'idle' | 'connecting' | 'open' | 'waiting' | 'offline';

export interface ConnectionEvents {
  status(status: Status): void;
  frame(frame: ServerFrame): void;
  refused(reason: Refusal): void;
}

/** Sockets that fail to open before the stream is tried instead. */
const SOCKET_FAILURES_MAX = 2;
const PAUSE_FIRST_MS = 500;
const PAUSE_MAX_MS = 20_000;
/** The server pings every 30 s; silence for longer than two pings means that the link is dead. */
const SILENCE_MAX_MS = 75_000;
/** A link that is not open by then never will be: something on the way swallows it. */
const OPENING_MAX_MS = 10_000;

export class Connection {
  readonly #world: World;
  readonly #events: ConnectionEvents;
  #status: Status = 'idle';
  #cursor = 0;
  #link: Link | null = null;
  #attempt = 0;
  #failures = 0;
  #socketFailures = 0;
  #cancelPause: (() => void) | null = null;
  #cancelSilence: (() => void) | null = null;

  constructor(world: World, events: ConnectionEvents) {
    this.#world = world;
    this.#events = events;
  }

  get status(): Status {
    return this.#status;
  }

  /** The sequence number after which a new link resumes. */
  get cursor(): number {
    return this.#cursor;
  }

  start(afterSeq: number): void {
    this.stop();
    this.#cursor = afterSeq;
    this.#failures = 0;
    this.#socketFailures = 0;
    this.#open();
  }

  stop(): void {
    this.#drop();
    this.#become('idle');
  }

  /** Tries again at once: the network is back, or somebody looks at the page again. */
  wake(): void {
    if (this.#status !== 'waiting' && this.#status !== 'offline') return;
    this.#drop();
    this.#open();
  }

  /** The network is gone: no attempt is made until `wake`. */
  sleep(): void {
    if (this.#status === 'idle') return;
    this.#drop();
    this.#become('offline');
  }

  send(frame: ClientFrame): boolean {
    return this.#status === 'open' && this.#link !== null && this.#link.send(frame);
  }

  #open(): void {
    if (!this.#world.online()) {
      this.#become('offline');
      return;
    }
    this.#become('connecting');
    const attempt = this.#attempt;
    const streams = this.#socketFailures >= SOCKET_FAILURES_MAX;
    const current = () => attempt === this.#attempt;
    const events: LinkEvents = {
      opened: () => {
        if (!current()) return;
        this.#failures = 0;
        if (!streams) this.#socketFailures = 0;
        this.#become('open');
        this.#watch(SILENCE_MAX_MS, streams);
      },
      heard: () => current() && this.#watch(SILENCE_MAX_MS, streams),
      frame: (frame) => {
        if (!current()) return;
        this.#watch(SILENCE_MAX_MS, streams);
        this.#take(frame);
      },
      lost: () => current() && this.#lost(streams),
      refused: (reason) => {
        if (!current()) return;
        this.stop();
        this.#events.refused(reason);
      },
    };
    this.#watch(OPENING_MAX_MS, streams);
    const link = streams ? this.#world.stream(this.#cursor, events) : this.#world.socket(this.#cursor, events);
    if (current()) this.#link = link;
  }

  #take(frame: ServerFrame): void {
    if (frame.type === 'ping') {
      this.#link?.send({ type: 'pong', id: frame.id, payload: {} });
      return;
    }
    if (frame.type === 'chat_message') this.#cursor = Math.max(this.#cursor, frame.seq);
    this.#events.frame(frame);
  }

  #lost(streams: boolean): void {
    if (!streams && this.#status === 'connecting') this.#socketFailures += 1;
    this.#drop();
    if (!this.#world.online()) {
      this.#become('offline');
      return;
    }
    const pause = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#become('waiting');
    this.#cancelPause = this.#world.after(pause / 2 + (this.#world.random() * pause) / 2, () => {
      this.#cancelPause = null;
      this.#open();
    });
  }

  /** Gives the link up unless something is heard within `ms`. */
  #watch(ms: number, streams: boolean): void {
    this.#cancelSilence?.();
    this.#cancelSilence = this.#world.after(ms, () => this.#lost(streams));
  }

  /** Ends the current attempt; whatever it still reports is ignored. */
  #drop(): void {
    this.#attempt += 1;
    this.#cancelPause?.();
    this.#cancelSilence?.();
    this.#cancelPause = null;
    this.#cancelSilence = null;
    const link = this.#link;
    this.#link = null;
    link?.close();
  }

  #become(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#events.status(status);
  }
}
