/**
 * What the loader and the panel say to each other. The loader is small and on every page; the panel comes when it is needed.
 */

export type Theme = 'light' | 'dark' | 'auto';

export interface PanelSettings {
  /** Origin of the server. */
  base: string;
  workspace: string;
  locale: string | null;
  theme: Theme;
}

/** What the panel reports. */
export interface PanelEvents {
  close(): void;
  message(message: { id: string; author: string; text: string }): void;
  unread(count: number): void;
  /** The workspace's colour, for the launcher. */
  accent(accent: string, onAccent: string): void;
}

export interface Panel {
  /** Whether the visitor sees it now. */
  attend(visible: boolean): void;
  focus(): void;
  setTheme(theme: Theme): void;
  setLocale(locale: string | null): Promise<void>;
  /** Forgets the visitor. */
  reset(): void;
}

export type OpenPanel = (root: ShadowRoot, target: HTMLElement, settings: PanelSettings, events: PanelEvents) => Promise<Panel>;
