/**
 * What a browser keeps between visits: the visitor's token and which conversation was open. Nothing is written before the
 * visitor sends something, and nothing breaks where storage is forbidden: then it is kept until the page is left.
 */

export interface Remembered {
  token: string;
  visitor: string;
  expires_at: string;
  /** The conversation that was open last. */
  conversation: string | null;
}

export interface Memory {
  load(): Remembered | null;
  save(remembered: Remembered): void;
  clear(): void;
  /** False when the browser keeps nothing. */
  readonly lasting: boolean;
}

/** One entry per server and workspace, since the widget's entry lies in the storage of the page that embeds it. */
export function memoryKey(host: string, workspace: string): string {
  return `frontdesk:${host}:${workspace}`;
}

export function browserMemory(key: string): Memory {
  let storage: Storage | null = null;
  let kept: Remembered | null = null;
  try {
    storage = localStorage;
    kept = parse(storage.getItem(key));
  } catch {
    storage = null;
  }
  const write = (action: (storage: Storage) => void) => {
    try {
      if (storage) action(storage);
    } catch {
      storage = null;
    }
  };
  return {
    get lasting() {
      return storage !== null;
    },
    load: () => kept,
    save: (remembered) => {
      kept = remembered;
      write((storage) => storage.setItem(key, JSON.stringify(remembered)));
    },
    clear: () => {
      kept = null;
      write((storage) => storage.removeItem(key));
    },
  };
}

function parse(text: string | null): Remembered | null {
  let value: Partial<Remembered> | null = null;
  try {
    value = text ? (JSON.parse(text) as Partial<Remembered> | null) : null;
  } catch {
    // Not ours, or damaged: as good as nothing.
  }
  if (typeof value?.token !== 'string' || typeof value.visitor !== 'string') return null;
  return {
    token: value.token,
    visitor: value.visitor,
    expires_at: value.expires_at ?? '',
    conversation: value.conversation ?? null,
  };
}
