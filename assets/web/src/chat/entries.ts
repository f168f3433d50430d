/**
 * The rows of the message list: what the timeline holds, grouped by author and day, with keys that stay the same while a
 * message goes from being written to being stored, so that its bubble is never replaced under the reader's eyes.
 */
import type { Author, Message, MessageImage } from '../api/types';
import { dayOf } from '../locale/time';
import type { Draft } from './draft';
import type { Pending, Timeline } from './timeline';

export interface Entry {
  key: string;
  author: Author;
  name: string | null;
  text: string;
  images: readonly MessageImage[];
  /** Null while an answer is being written. */
  at: string | null;
  message: Message | null;
  pending: Pending | null;
  draft: Draft | null;
  /** First and last of a run by the same author. */
  first: boolean;
  last: boolean;
  /** The day that begins with this entry. */
  day: string | null;
}

/** A run of one author is broken by a pause longer than this. */
const GROUP_PAUSE_MS = 5 * 60_000;

export function entriesOf(timeline: Timeline): Entry[] {
  const keys = new Set<string>();
  const unique = (key: string, fallback: string) => {
    const chosen = keys.has(key) ? fallback : key;
    keys.add(chosen);
    return chosen;
  };
  const blank = { images: [], message: null, pending: null, draft: null, first: true, last: true, day: null };
  const entries: Entry[] = [];
  for (const message of timeline.messages) {
    entries.push({
      ...blank,
      key: unique(keyOf(message), message.id),
      author: message.author,
      name: message.author_name,
      text: message.text,
      images: message.images,
      at: message.created_at,
      message,
    });
  }
  for (const item of timeline.pending) {
    entries.push({ ...blank, key: unique(`sent:${item.key}`, item.key), author: 'visitor', name: null, text: item.text, images: item.images, at: item.created_at, pending: item });
  }
  const { draft } = timeline;
  if (draft) {
    entries.push({ ...blank, key: unique(`reply:${draft.replyTo}`, 'draft'), author: 'assistant', name: null, text: draft.text, at: null, draft });
  }
  group(entries);
  return entries;
}

function keyOf(message: Message): string {
  if (message.client_key) return `sent:${message.client_key}`;
  return message.author === 'assistant' && message.reply_to ? `reply:${message.reply_to}` : message.id;
}

function group(entries: Entry[]): void {
  let previous: Entry | null = null;
  for (const entry of entries) {
    if (entry.at && (!previous?.at || dayOf(previous.at) !== dayOf(entry.at))) entry.day = entry.at;
    if (previous && !entry.day && sameRun(previous, entry)) {
      entry.first = false;
      previous.last = false;
    }
    previous = entry;
  }
}

function sameRun(before: Entry, after: Entry): boolean {
  if (before.author !== after.author || before.name !== after.name) return false;
  if (!before.at || !after.at) return true;
  return new Date(after.at).getTime() - new Date(before.at).getTime() < GROUP_PAUSE_MS;
}
