/**
 * The widget's loader, `/sdk.js`: a button, and `window.Frontdesk`.
 *
 * `<script async src="https://HOST/sdk.js" data-workspace="demo"></script>`, with optional `data-position` (left, right),
 * `data-theme` (light, dark, auto), `data-locale`, `data-accent` (#rrggbb) and `data-hidden`.
 *
 * Until the visitor opens the chat it asks the server for nothing and keeps nothing. For a visitor who has talked before, the
 * panel is loaded in the background, so that an answer that came meanwhile shows on the button.
 */
import { memoryKey } from '../chat/memory';
import { accentColours } from '../theme/accent';
import { fitViewport } from '../ui/viewport';
import { Commands, type Listener } from './commands';
import type { OpenPanel, Panel, Theme } from './contract';
import style from './loader.css?inline';
import { launcherWords } from './words';

const svgSpace = 'http://www.w3.org/2000/svg';
const chatIcon = 'M21 11.5a8.4 8.4 0 0 1-8.5 8.3a9 9 0 0 1-3.7-.8L4 20.5l1.4-4.3A8 8 0 0 1 4 11.5a8.4 8.4 0 0 1 8.5-8.3a8.4 8.4 0 0 1 8.5 8.3z';
const closeIcon = 'M6.5 9.5l6 6 6-6';
const fullScreen = '(max-width: 479px), (max-height: 479px)';

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, className: string): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

function icon(path: string): SVGElement {
  const svg = document.createElementNS(svgSpace, 'svg');
  svg.setAttribute('viewBox', '0 0 25 25');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(svgSpace, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

class Widget {
  readonly #commands = new Commands();
  readonly #host = document.createElement('frontdesk-widget');
  readonly #root = this.#host.attachShadow({ mode: 'open' });
  readonly #frame = element('div', '');
  readonly #launcher = element('button', 'launcher');
  readonly #badge = element('span', 'badge');
  readonly #box = element('div', 'shell');
  readonly #base: string;
  readonly #workspace: string;
  #words: ReturnType<typeof launcherWords>;
  #locale: string | null;
  #theme: Theme;
  #panel: Promise<Panel> | null = null;
  #unfit: (() => void) | null = null;
  #unread = 0;
  #returnTo: Element | null = null;

  constructor(script: HTMLScriptElement) {
    const { workspace, position, theme, locale, accent, hidden } = script.dataset;
    this.#base = new URL(script.src).origin;
    this.#workspace = workspace ?? '';
    this.#locale = locale ?? null;
    this.#theme = theme === 'light' || theme === 'dark' ? theme : 'auto';
    this.#words = launcherWords(this.#locale);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    this.#root.adoptedStyleSheets = [sheet];
    this.#frame.classList.toggle('left', position === 'left');
    this.#host.hidden = hidden !== undefined;
    if (accent) this.#tint(accentColours(accent).accent, accentColours(accent).onAccent);
    this.#build();
    // Beside the body, so that pages which replace their body keep it.
    document.documentElement.append(this.#host);
  }

  #build(): void {
    this.#launcher.type = 'button';
    this.#launcher.append(icon(chatIcon), icon(closeIcon), this.#badge);
    this.#launcher.setAttribute('aria-haspopup', 'dialog');
    this.#launcher.onclick = () => this.toggle();
    this.#box.setAttribute('role', 'dialog');
    this.#box.tabIndex = -1;
    this.#box.inert = true;
    this.#frame.append(this.#box, this.#launcher);
    this.#frame.onkeydown = (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented) this.close();
      else if (event.key === 'Tab') this.#keepFocus(event);
    };
    this.#root.append(this.#frame);
    this.#applyTheme();
    this.#label();
  }

  get opened(): boolean {
    return this.#frame.classList.contains('open');
  }

  open = (): void => {
    if (this.opened) return;
    this.#returnTo = document.activeElement;
    this.#host.hidden = false;
    this.#frame.classList.add('open');
    this.#box.inert = false;
    this.#unfit = matchMedia(fullScreen).matches ? fitViewport(this.#box) : null;
    this.#label();
    this.#box.focus({ preventScroll: true });
    this.#load().then(
      (panel) => {
        panel.attend(this.opened);
        if (this.opened) panel.focus();
      },
      () => undefined,
    );
    this.#commands.tell('open');
  };

  close = (): void => {
    if (!this.opened) return;
    this.#frame.classList.remove('open');
    this.#box.inert = true;
    this.#unfit?.();
    this.#label();
    void this.#panel?.then((panel) => panel.attend(false));
    const before = this.#returnTo;
    if (before instanceof HTMLElement && before !== document.body && before !== this.#host) before.focus({ preventScroll: true });
    else this.#launcher.focus({ preventScroll: true });
    this.#commands.tell('close');
  };

  toggle = (): void => (this.opened ? this.close() : this.open());

  show = (): void => {
    this.#host.hidden = false;
  };

  hide = (): void => {
    this.close();
    this.#host.hidden = true;
  };

  on = (event: string, listener: Listener): void => this.#commands.on(event, listener);
  off = (event: string, listener: Listener): void => this.#commands.off(event, listener);

  /** Forgets the visitor and the conversation, as when somebody signs out of the page. */
  reset = (): void => {
    if (this.#panel) void this.#panel.then((panel) => panel.reset());
    else this.#storage()?.removeItem(this.#key());
    this.#count(0);
  };

  setTheme = (theme: Theme): void => {
    this.#theme = theme;
    this.#applyTheme();
    void this.#panel?.then((panel) => panel.setTheme(theme));
  };

  setLocale = (locale: string | null): void => {
    this.#locale = locale;
    this.#words = launcherWords(locale);
    this.#label();
    void this.#panel?.then((panel) => panel.setLocale(locale));
  };

  push = (command: unknown): void => this.#commands.run(command, this as unknown as Record<string, unknown>);

  /** Carries out what the page asked for before this script was there, then says that it is ready. */
  begin(queued: unknown): void {
    if (Array.isArray(queued)) for (const command of queued) this.push(command);
    this.#commands.tell('ready');
    if (this.#storage()?.getItem(this.#key())?.includes('cnv_')) {
      // It is not urgent: the page itself comes first.
      const later = window.requestIdleCallback ?? ((call: () => void) => setTimeout(call, 2_000));
      later(() => void this.#load().then((panel) => panel.attend(this.opened), () => undefined));
    }
  }

  #load(): Promise<Panel> {
    this.#panel ??= this.#import().catch((error: unknown) => {
      this.#panel = null;
      this.#say('failed', true);
      throw error;
    });
    return this.#panel;
  }

  async #import(): Promise<Panel> {
    this.#say('loading', false);
    const url = `${this.#base}/${PANEL_FILE}`;
    const { openPanel } = (await import(/* @vite-ignore */ url)) as { openPanel: OpenPanel };
    const settings = { base: this.#base, workspace: this.#workspace, locale: this.#locale, theme: this.#theme };
    return openPanel(this.#root, this.#box, settings, {
      close: this.close,
      message: (message) => this.#commands.tell('message', message),
      unread: (count) => this.#count(count),
      accent: (accent, onAccent) => this.#tint(accent, onAccent),
    });
  }

  #say(key: 'loading' | 'failed', again: boolean): void {
    const wait = element('div', 'wait');
    wait.setAttribute('role', 'status');
    wait.append(this.#words(key));
    if (again) {
      const button = element('button', '');
      button.type = 'button';
      button.textContent = this.#words('retry');
      button.onclick = () => void this.#load().then((panel) => panel.focus(), () => undefined);
      wait.append(button);
    }
    this.#box.replaceChildren(wait);
  }

  #count(count: number): void {
    if (count === this.#unread) return;
    this.#unread = count;
    this.#label();
    this.#commands.tell('unread', { count });
  }

  #label(): void {
    this.#badge.textContent = this.#unread === 0 ? '' : this.#unread > 9 ? '9+' : String(this.#unread);
    const unread = this.#unread > 0 ? `, ${this.#words('unread', this.#unread)}` : '';
    this.#launcher.setAttribute('aria-label', this.#words(this.opened ? 'close' : 'open') + unread);
    this.#launcher.setAttribute('aria-expanded', String(this.opened));
    this.#box.setAttribute('aria-label', this.#words('dialog'));
    this.#box.setAttribute('aria-modal', String(matchMedia(fullScreen).matches));
  }

  #tint(accent: string, onAccent: string): void {
    this.#frame.style.setProperty('--widget-accent', accent);
    this.#frame.style.setProperty('--widget-on-accent', onAccent);
  }

  #applyTheme(): void {
    if (this.#theme === 'auto') delete this.#frame.dataset['theme'];
    else this.#frame.dataset['theme'] = this.#theme;
  }

  /** On a phone the panel covers the page, so the keyboard stays in it. */
  #keepFocus(event: KeyboardEvent): void {
    if (event.defaultPrevented || !this.opened || !matchMedia(fullScreen).matches) return;
    const all = [...this.#box.querySelectorAll<HTMLElement>('a[href], button, textarea, [tabindex="0"]')];
    const targets = all.filter((target) => target.checkVisibility() && !target.matches(':disabled'));
    const edge = event.shiftKey ? targets[0] : targets.at(-1);
    const active = this.#root.activeElement;
    if (active !== edge && active !== this.#box) return;
    event.preventDefault();
    (event.shiftKey ? targets.at(-1) : targets[0])?.focus();
  }

  #key(): string {
    return memoryKey(new URL(this.#base).host, this.#workspace);
  }

  /** Null where the browser forbids it. */
  #storage(): Storage | null {
    try {
      return localStorage;
    } catch {
      return null;
    }
  }
}

const holder = window as unknown as { Frontdesk?: unknown };
const script = (document.currentScript ?? document.querySelector('script[data-workspace][src*="/sdk.js"]')) as HTMLScriptElement | null;
if (script && !(holder.Frontdesk instanceof Widget)) {
  const queued = holder.Frontdesk;
  const widget = new Widget(script);
  holder.Frontdesk = widget;
  widget.begin(queued);
}
