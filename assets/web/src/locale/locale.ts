/**
 * Words and numbers in the reader's language. The strings live in `assets/locales/`, one file a language, one section a page;
 * English is always at hand and fills what another language lacks.
 */

export type Words = Readonly<Record<string, string>>;
export type Values = Readonly<Record<string, string | number>>;

/** The languages that have a file, by name without the extension. */
export type Catalogue = Readonly<Record<string, () => Promise<Words>>>;

const rightToLeft = new Set(['ar', 'arc', 'ckb', 'dv', 'fa', 'he', 'ks', 'ps', 'sd', 'ug', 'ur', 'yi']);

export class Locale<Key extends string> {
  /** BCP 47 tag of the words; dates and numbers follow it too. */
  readonly tag: string;
  readonly direction: 'ltr' | 'rtl';
  readonly #words: Words;
  readonly #english: Words;
  readonly #plural: Intl.PluralRules;
  readonly #number: Intl.NumberFormat;

  constructor(tag: string, words: Words, english: Words) {
    this.tag = tag;
    this.direction = rightToLeft.has(tag.split('-')[0] ?? '') ? 'rtl' : 'ltr';
    this.#words = words;
    this.#english = english;
    this.#plural = new Intl.PluralRules(tag);
    this.#number = new Intl.NumberFormat(tag);
  }

  /** The words for a key, with `{name}` replaced. With a `count`, the form that the language's plural rules ask for. */
  text = (key: Key, values: Values = {}): string => {
    const count = values['count'];
    const form = typeof count === 'number' ? `${key}_${this.#plural.select(count)}` : key;
    const words = this.#find(form) ?? this.#find(key) ?? this.#find(`${key}_other`) ?? key;
    return words.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      return typeof value === 'number' ? this.#number.format(value) : value;
    });
  };

  #find(key: string): string | undefined {
    return this.#words[key] ?? this.#english[key];
  }
}

/** The first of the wanted languages that has a file: exactly, or by its language alone. Null when none has. */
export function negotiate(wanted: readonly string[], available: readonly string[]): string | null {
  for (const tag of wanted) {
    const exact = available.find((name) => name.toLowerCase() === tag.toLowerCase());
    if (exact) return exact;
    const language = tag.toLowerCase().split('-')[0];
    const near = available.find((name) => name.toLowerCase() === language);
    if (near) return near;
  }
  return null;
}

/** Loads the words of the best language; any failure leaves English. */
export async function loadLocale<Key extends string>(
  english: Words,
  catalogue: Catalogue,
  wanted: readonly string[],
): Promise<Locale<Key>> {
  const name = negotiate(wanted, [...Object.keys(catalogue), 'en']);
  const load = name && name !== 'en' ? catalogue[name] : undefined;
  if (name && load) {
    try {
      return new Locale<Key>(regional(name, wanted), await load(), english);
    } catch {
      // The file could not be fetched: English is better than nothing.
    }
  }
  return new Locale<Key>(regional('en', wanted), english, english);
}

/** The reader's own region of a language, for dates and numbers: British dates with the same English words. */
function regional(name: string, wanted: readonly string[]): string {
  return wanted.find((tag) => tag.split('-')[0]?.toLowerCase() === name && isTag(tag)) ?? name;
}

function isTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/** Turns what `import.meta.glob` gives into a catalogue. */
export function catalogueOf(files: Record<string, () => Promise<unknown>>): Catalogue {
  const named = Object.entries(files).map(([path, load]) => {
    const name = path.replace(/^.*\//, '').replace(/\.json$/, '');
    return [name, load as () => Promise<Words>] as const;
  });
  return Object.fromEntries(named);
}

/** What the reader wants: an explicit choice first, then the browser's languages. */
export function wantedLanguages(choice: string | null | undefined): readonly string[] {
  return choice ? [choice, ...navigator.languages] : navigator.languages;
}
