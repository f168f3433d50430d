/**
 * The messages of one conversation as a visitor sees them: stored ones in order of their sequence number, then those being
 * sent, then the answer being written.
 *
 * Pure functions over an immutable value. Whatever arrives twice (acknowledged, broadcast, replayed, fetched) is in it once.
 */
import type { Conversation, DraftPiece, Message, MessageImage, ServerFrame } from '../api/types';
import { applyPiece, type Draft } from './draft';

export interface Pending {
  /** The key it is sent with; sending again with it cannot double the message. */
  key: string;
  text: string;
  images: readonly MessageImage[];
  created_at: string;
  state: 'sending' | 'failed';
  /** Why it failed, to show; null while sending. */
  reason: string | null;
}

export interface Timeline {
  messages: readonly Message[];
  pending: readonly Pending[];
  draft: Draft | null;
}

export const emptyTimeline: Timeline = { messages: [], pending: [], draft: null };

/** Adds a stored message, resolving the pending one it confirms and ending the draft it completes. */
export function receive(timeline: Timeline, message: Message): Timeline {
  const pending = message.client_key ? timeline.pending.filter((item) => item.key !== message.client_key) : timeline.pending;
  const draft = timeline.draft && message.reply_to === timeline.draft.replyTo ? null : timeline.draft;
  return { messages: insert(timeline.messages, message), pending, draft };
}

function insert(messages: readonly Message[], message: Message): readonly Message[] {
  let index = messages.length;
  for (; index > 0; index -= 1) {
    const before = messages[index - 1];
    if (!before || before.seq < message.seq) break;
    if (before.seq === message.seq) return messages;
  }
  return [...messages.slice(0, index), message, ...messages.slice(index)];
}

/** Adds a piece of the answer being written; one for a question already answered comes too late and changes nothing. */
export function receiveDraft(timeline: Timeline, piece: DraftPiece): Timeline {
  const answered = timeline.messages.some((message) => message.reply_to === piece.reply_to);
  return answered ? timeline : { ...timeline, draft: applyPiece(timeline.draft, piece) };
}

/** The timeline after a frame; frames that do not concern messages change nothing. */
export function receiveFrame(timeline: Timeline, frame: ServerFrame): Timeline {
  switch (frame.type) {
    case 'chat_message':
      return receive(timeline, frame.payload);
    case 'ack':
      return receive(timeline, frame.payload.message);
    case 'draft':
      return receiveDraft(timeline, frame.payload);
    case 'connected':
      return frame.payload.assistant === 'idle' ? { ...timeline, draft: null } : timeline;
    case 'error':
      return frame.id ? fail(timeline, frame.id, frame.payload.detail) : timeline;
    default:
      return timeline;
  }
}

/** The conversation itself after a frame; news of another conversation changes nothing. */
export function conversationAfter(conversation: Conversation | null, frame: ServerFrame): Conversation | null {
  switch (frame.type) {
    case 'connected':
      return frame.payload.conversation;
    case 'conversation_changed':
      return conversation === null || conversation.id === frame.payload.id ? frame.payload : conversation;
    case 'error':
      return conversation && frame.payload.code === 'conversation_ended' ? { ...conversation, state: 'ended' } : conversation;
    default:
      return conversation;
  }
}

export function enqueue(timeline: Timeline, key: string, text: string, createdAt: string, images: readonly MessageImage[] = []): Timeline {
  const item: Pending = { key, text, images, created_at: createdAt, state: 'sending', reason: null };
  return { ...timeline, pending: [...timeline.pending, item] };
}

export function fail(timeline: Timeline, key: string, reason: string): Timeline {
  return change(timeline, key, { state: 'failed', reason });
}

export function retry(timeline: Timeline, key: string): Timeline {
  return change(timeline, key, { state: 'sending', reason: null });
}

export function discard(timeline: Timeline, key: string): Timeline {
  return { ...timeline, pending: timeline.pending.filter((item) => item.key !== key) };
}

function change(timeline: Timeline, key: string, next: Pick<Pending, 'state' | 'reason'>): Timeline {
  return { ...timeline, pending: timeline.pending.map((item) => (item.key === key ? { ...item, ...next } : item)) };
}
