/**
 * One visitor's chat with one workspace: who the visitor is, which conversation is open, and what is in it.
 *
 * A visitor and a conversation are made when the first message is sent, not before: looking at the page leaves no trace.
 * A message is shown at once and delivered by the socket when there is one, else by a call; both carry its key, so delivering
 * it twice stores it once.
 */
import { ApiError, Client, NetworkError, newKey, type UploadOptions } from '../api/client';
import type { Citation, CitedDocument, Conversation, Message, MessageHistory, MessageImage, NewVisitor, Page, ServerFrame, WidgetSettings } from '../api/types';
import { plainText } from '../markdown/blocks';
import { type KeptPicture, PictureStore } from './pictures';
import { Connection, type Refusal, type Status } from './connection';
import type { Memory } from './memory';
import { conversationAfter, discard, emptyTimeline, enqueue, fail, receive, receiveFrame, retry, type Timeline } from './timeline';
import { browserWorld } from './world';

export type Phase = 'loading' | 'ready' | 'unknown' | 'unreachable' | 'busy';

/** What the page around the chat wants to know. */
export interface SessionEvents {
  message?: (message: Message) => void;
  unread?: (count: number) => void;
}

/** What a message is sent with. */
interface Said {
  text: string;
  images?: string[];
}

function saying(text: string, images: readonly MessageImage[]): Said {
  return images.length > 0 ? { text, images: images.map(({ id }) => id) } : { text };
}

/** A message that the socket took but nobody acknowledged is sent again as a call. */
const ACK_MAX_MS = 8_000;
const TYPING_EVERY_MS = 3_000;

export class ChatSession {
  settings = $state.raw<WidgetSettings | null>(null);
  phase = $state<Phase>('loading');
  conversation = $state.raw<Conversation | null>(null);
  timeline = $state.raw<Timeline>(emptyTimeline);
  /** The messages of the open conversation are on their way. */
  opening = $state(false);
  status = $state<Status>('idle');
  /** The assistant is at work, and no piece of its answer has come yet. */
  answering = $state(false);
  typist = $state<string | null>(null);
  unread = $state(0);
  /** The last message from somebody else, for screen readers. */
  announcement = $state('');

  readonly workspace: string;
  readonly client: Client;
  readonly pictures = new PictureStore();
  readonly #memory: Memory;
  readonly #events: SessionEvents;
  #connection: Connection | null = null;
  #conversationReady: Promise<string> | null = null;
  /** Keys of messages whose delivering call has not been answered. */
  readonly #posting = new Set<string>();
  #attended = true;
  #typingSentMs = 0;
  #typistTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(base: string, workspace: string, memory: Memory, events: SessionEvents = {}) {
    this.workspace = workspace;
    this.#memory = memory;
    this.#events = events;
    this.client = new Client({
      base,
      credentials: 'omit',
      headers: (): Record<string, string> => {
        const token = this.#memory.load()?.token;
        return token ? { authorization: `Bearer ${token}` } : {};
      },
    });
  }

  get ended(): boolean {
    return this.conversation?.state === 'ended';
  }

  get empty(): boolean {
    return this.timeline.messages.length === 0 && this.timeline.pending.length === 0 && !this.opening;
  }

  /** Whether the browser lost or forbids storage after something had to be kept. */
  get forgetful(): boolean {
    return this.conversation !== null && !this.#memory.lasting;
  }

  /** Listens to the network and the page; the answer stops everything. */
  start(): () => void {
    const wake = () => this.#connection?.wake();
    const sleep = () => this.#connection?.sleep();
    const look = () => document.visibilityState === 'visible' && wake();
    addEventListener('online', wake);
    addEventListener('offline', sleep);
    document.addEventListener('visibilitychange', look);
    void this.load();
    return () => {
      removeEventListener('online', wake);
      removeEventListener('offline', sleep);
      document.removeEventListener('visibilitychange', look);
      this.#disconnect();
    };
  }

  /** Fetches how the workspace looks, and the conversation that was open last. */
  async load(): Promise<void> {
    this.phase = 'loading';
    const last = this.#memory.load()?.conversation ?? null;
    const opened = last ? this.open(last) : Promise.resolve();
    try {
      this.settings = await this.client.get<WidgetSettings>(`/api/v1/widget/${encodeURIComponent(this.workspace)}`);
      this.phase = 'ready';
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.phase = 'unknown';
      else this.phase = error instanceof ApiError ? 'busy' : 'unreachable';
    }
    await opened;
  }

  /** Opens one of the visitor's conversations. */
  async open(id: string): Promise<void> {
    this.#clear();
    this.opening = true;
    this.#remember(id);
    try {
      const [conversation, messages] = await Promise.all([
        this.client.get<Conversation>(`/api/v1/conversations/${id}`),
        this.#history(id),
      ]);
      if (this.#memory.load()?.conversation !== id) return;
      this.conversation = conversation;
      for (const message of messages) this.timeline = receive(this.timeline, message);
      this.#conversationReady = Promise.resolve(id);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return this.reset();
      if (error instanceof ApiError && error.status === 404) return this.startNew();
      // Offline or busy: the live connection fetches the messages once it opens.
      this.#conversationReady = Promise.resolve(id);
    } finally {
      this.opening = false;
    }
    this.#connect(id, this.timeline.messages.at(-1)?.seq ?? 0);
  }

  async #history(id: string): Promise<Message[]> {
    const messages: Message[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const page: MessageHistory = await this.client.get(`/api/v1/conversations/${id}/messages?after_seq=${after}&limit=100`);
      messages.push(...page.items);
      after = page.next_after_seq !== null && page.next_after_seq > after ? page.next_after_seq : null;
    }
    return messages;
  }

  /** Leaves the open conversation; the next message begins a new one. */
  startNew(): void {
    this.#clear();
    this.#remember(null);
  }

  /** Forgets the visitor altogether. */
  reset(): void {
    this.#clear();
    this.#memory.clear();
    this.pictures.clear();
  }

  async conversations(): Promise<Conversation[]> {
    if (!this.#memory.load()) return [];
    const page = await this.client.get<Page<Conversation>>('/api/v1/conversations');
    return page.items;
  }

  async end(): Promise<void> {
    if (!this.conversation) return;
    this.conversation = await this.client.post<Conversation>(`/api/v1/conversations/${this.conversation.id}/end`, {});
  }

  citedDocument(message: Message, citation: Citation, signal: AbortSignal): Promise<CitedDocument> {
    const path = `/api/v1/conversations/${message.conversation_id}/messages/${message.id}/citations/${citation.number}`;
    return this.client.get<CitedDocument>(path, { signal });
  }

  /** Whether the workspace looks at pictures. */
  get takesPictures(): boolean {
    return this.settings?.images === true && !this.ended;
  }

  /** Sends a picture, to be posted with a message; makes the visitor and the conversation where there are none. */
  async sendPicture(file: Blob, options: UploadOptions, again = true): Promise<KeptPicture> {
    try {
      const conversation = await this.#ensureConversation();
      const image = await this.client.upload<MessageImage>(`/api/v1/conversations/${conversation}/images`, file, options);
      this.pictures.keep(image.id, file);
      return { conversation, image };
    } catch (error) {
      if (!again || !(error instanceof ApiError) || error.status !== 401) throw error;
      this.#forgetVisitor();
      return this.sendPicture(file, options, false);
    }
  }

  /** Has a picture removed that is not posted. Where that fails, the server forgets it after a day. */
  takeBack({ conversation, image }: KeptPicture): void {
    this.client.delete(`/api/v1/conversations/${conversation}/images/${image.id}`, { keepalive: true }).catch(() => undefined);
  }

  /** The bytes of a picture of the open conversation. */
  picture(image: MessageImage): Promise<Blob> {
    const id = this.conversation?.id ?? this.#memory.load()?.conversation ?? '';
    return this.pictures.get(image.id, () => this.client.blob(`/api/v1/conversations/${id}/images/${image.id}`));
  }

  send(text: string, images: readonly MessageImage[] = []): void {
    const key = newKey();
    this.timeline = enqueue(this.timeline, key, text, new Date().toISOString(), images);
    this.#typingSentMs = 0;
    void this.#deliver(key, saying(text, images));
  }

  sendAgain(key: string): void {
    const item = this.timeline.pending.find((pending) => pending.key === key);
    if (!item) return;
    this.timeline = retry(this.timeline, key);
    this.#connection?.wake();
    void this.#deliver(key, saying(item.text, item.images));
  }

  remove(key: string): void {
    this.timeline = discard(this.timeline, key);
  }

  /** Tells the others that the visitor writes, every few seconds at most. */
  typing(): void {
    if (Date.now() - this.#typingSentMs < TYPING_EVERY_MS) return;
    if (this.#connection?.send({ type: 'user_typing', id: null, payload: {} })) this.#typingSentMs = Date.now();
  }

  reconnect(): void {
    this.#connection?.wake();
  }

  /** Whether somebody looks at the chat now; what comes meanwhile counts as unread. */
  attend(attended: boolean): void {
    this.#attended = attended;
    if (attended) this.#count(0);
  }

  async #deliver(key: string, said: Said, again = true): Promise<void> {
    try {
      const id = await this.#ensureConversation();
      if (this.#connection?.send({ type: 'chat_message', id: key, payload: said })) {
        setTimeout(() => {
          if (this.#isSending(key)) this.#post(id, key, said).catch((error: unknown) => this.#failed(key, error));
        }, ACK_MAX_MS);
      } else {
        await this.#post(id, key, said);
      }
    } catch (error) {
      if (again && error instanceof ApiError && error.status === 401) {
        this.#forgetVisitor();
        await this.#deliver(key, said, false);
      } else {
        this.#failed(key, error);
      }
    }
  }

  async #post(id: string, key: string, said: Said): Promise<void> {
    if (this.#posting.has(key)) return;
    this.#posting.add(key);
    try {
      const message = await this.client.post<Message>(`/api/v1/conversations/${id}/messages`, said, { idempotencyKey: key });
      this.timeline = receive(this.timeline, { ...message, client_key: key });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) throw error;
      this.#failed(key, error);
    } finally {
      this.#posting.delete(key);
    }
  }

  #failed(key: string, error: unknown): void {
    if (error instanceof ApiError && error.code === 'conversation_ended') this.#ended();
    // Without a network it waits: the connection's next opening delivers it.
    if (error instanceof NetworkError && this.#connection && this.#connection.status !== 'open') return;
    this.timeline = fail(this.timeline, key, error instanceof ApiError ? error.message : '');
  }

  #ended(): void {
    if (this.conversation) this.conversation = { ...this.conversation, state: 'ended' };
  }

  #isSending(key: string): boolean {
    return this.timeline.pending.some((item) => item.key === key && item.state === 'sending');
  }

  /** The id of the open conversation, making the visitor and it when there is none. Calls at the same time share one. */
  #ensureConversation(): Promise<string> {
    this.#conversationReady ??= this.#begin().catch((error: unknown) => {
      this.#conversationReady = null;
      throw error;
    });
    return this.#conversationReady;
  }

  async #begin(): Promise<string> {
    if (!this.#memory.load()) {
      const made = await this.client.post<NewVisitor>(`/api/v1/widget/${encodeURIComponent(this.workspace)}/visitors`, {});
      this.#memory.save({ ...made, conversation: null });
    }
    const conversation = await this.client.post<Conversation>('/api/v1/conversations', {}, { idempotencyKey: newKey() });
    this.conversation = conversation;
    this.#remember(conversation.id);
    this.#connect(conversation.id, 0);
    return conversation.id;
  }

  #connect(id: string, afterSeq: number): void {
    this.#disconnect();
    const world = browserWorld(this.client, id, () => this.#memory.load()?.token ?? '');
    this.#connection = new Connection(world, {
      status: (status) => this.#becomes(status),
      frame: (frame) => this.#take(frame),
      refused: (reason) => this.#refused(reason),
    });
    this.#connection.start(afterSeq);
  }

  #becomes(status: Status): void {
    this.status = status;
    if (status !== 'open') {
      this.typist = null;
      return;
    }
    // What was under way when the link broke may not have arrived; its key keeps it from being stored twice.
    for (const item of this.timeline.pending) {
      if (item.state === 'sending' && !this.#posting.has(item.key)) void this.#deliver(item.key, saying(item.text, item.images));
    }
  }

  #take(frame: ServerFrame): void {
    this.conversation = conversationAfter(this.conversation, frame);
    if (frame.type === 'connected') this.answering = frame.payload.assistant === 'answering';
    if (frame.type === 'draft') this.answering = false;
    if (frame.type === 'user_typing' && frame.payload.who === 'member') this.#typistIs(frame.payload.name ?? '');
    if (frame.type === 'user_stopped_typing') this.#typistIs(null);
    if (frame.type === 'chat_message') this.#news(frame.payload);
    this.timeline = receiveFrame(this.timeline, frame);
  }

  #news(message: Message): void {
    if (message.author === 'visitor' || this.timeline.messages.some((known) => known.seq === message.seq)) return;
    this.answering = false;
    this.#typistIs(null);
    this.announcement = plainText(message.text);
    if (!this.#attended) this.#count(this.unread + 1);
    this.#events.message?.(message);
  }

  #typistIs(name: string | null): void {
    clearTimeout(this.#typistTimer);
    this.typist = name;
    if (name !== null) this.#typistTimer = setTimeout(() => this.#typistIs(null), 2 * TYPING_EVERY_MS);
  }

  #refused(reason: Refusal): void {
    const unsent = this.timeline.pending;
    if (reason === 'missing') this.startNew();
    else this.reset();
    // What was not sent is the visitor's work: keep it in sight.
    this.timeline = { ...emptyTimeline, pending: unsent };
  }

  #forgetVisitor(): void {
    const { pending } = this.timeline;
    this.reset();
    this.timeline = { ...emptyTimeline, pending };
  }

  #count(unread: number): void {
    if (unread === this.unread) return;
    this.unread = unread;
    this.#events.unread?.(unread);
  }

  #remember(conversation: string | null): void {
    const kept = this.#memory.load();
    if (kept && kept.conversation !== conversation) this.#memory.save({ ...kept, conversation });
  }

  #clear(): void {
    this.#disconnect();
    this.#conversationReady = null;
    this.conversation = null;
    this.timeline = emptyTimeline;
    this.answering = false;
    this.announcement = '';
  }

  #disconnect(): void {
    this.#connection?.stop();
    this.#connection = null;
  }
}
