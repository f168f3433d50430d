/**
 * What a page can ask of the widget and be told by it. Before the script is there a page may queue commands:
 * `window.Frontdesk = window.Frontdesk || []; Frontdesk.push(['on', 'ready', () => …])`.
 */

export type Listener = (detail: unknown) => void;

/** What a page may ask for by name. */
const verbs = new Set(['open', 'close', 'toggle', 'show', 'hide', 'on', 'off', 'reset', 'setLocale', 'setTheme']);

export class Commands {
  readonly #listeners = new Map<string, Set<Listener>>();
  #ready = false;

  /** `ready` is told at once to whoever comes after it. */
  on(event: string, listener: Listener): void {
    const listeners = this.#listeners.get(event) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(event, listeners);
    if (event === 'ready' && this.#ready) call(listener, undefined);
  }

  off(event: string, listener: Listener): void {
    this.#listeners.get(event)?.delete(listener);
  }

  tell(event: string, detail?: unknown): void {
    if (event === 'ready') this.#ready = true;
    for (const listener of [...(this.#listeners.get(event) ?? [])]) call(listener, detail);
  }

  /** Carries out `[verb, ...arguments]`; what is not known is passed over. */
  run(command: unknown, target: Record<string, unknown>): void {
    if (!Array.isArray(command)) return;
    const [verb, ...rest] = command as [unknown, ...unknown[]];
    const action = typeof verb === 'string' && verbs.has(verb) ? target[verb] : undefined;
    if (typeof action === 'function') (action as (...values: unknown[]) => void)(...rest);
  }
}

/** A listener that throws is the page's fault and must not stop the widget. */
function call(listener: Listener, detail: unknown): void {
  try {
    listener(detail);
  } catch (error) {
    reportError(error);
  }
}
