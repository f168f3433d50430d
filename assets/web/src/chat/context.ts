/**
 * What every part of the chat shares: the session, the words, the clock, and which source is looked at.
 */
import { getContext, setContext } from 'svelte';
import type { chat } from '../../../locales/en.json';
import type { Citation, Message, MessageImage } from '../api/types';
import type { Locale } from '../locale/locale';
import type { Clock } from '../ui/clock.svelte';
import type { ChatSession } from './session.svelte';

export type ChatKey = BaseKey<keyof typeof chat & string>;
/** `unread_one` and `unread_other` are both asked for as `unread`. */
type BaseKey<Key extends string> = Key extends `${infer Base}_one` | `${infer Base}_other` ? Base : Key;
export type ChatLocale = Locale<ChatKey>;

export interface Sources {
  /** Shows a card about the source beside the marker. */
  preview(citation: Citation, marker: HTMLElement): void;
  /** Takes the card away, unless the pointer goes onto it. */
  leave(): void;
  /** Opens the document at the cited passage. */
  open(message: Message, citation: Citation, marker: HTMLElement): void;
}

export interface PictureViewer {
  /** Shows a picture as large as the window allows. */
  open(image: MessageImage, alt: string): void;
}

export interface ChatContext {
  session: ChatSession;
  locale: ChatLocale;
  clock: Clock;
  sources: Sources;
  viewer: PictureViewer;
}

const key = Symbol('chat');

export function provideChat(context: ChatContext): void {
  setContext(key, context);
}

export function useChat(): ChatContext {
  return getContext<ChatContext>(key);
}
