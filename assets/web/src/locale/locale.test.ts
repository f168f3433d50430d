import { describe, expect, it } from 'vitest';
import { Locale, loadLocale, negotiate } from './locale';
import { relativeTime } from './time';

/** Each locale file as it is, by its name. */
const files = import.meta.glob<Record<string, Record<string, string>>>('../../../locales/*.json', { eager: true, import: 'default' });
const english = files['../../../locales/en.json'] ?? {};

describe('locale', () => {
  it('takes the first language there is, by region or by language alone', () => {
    expect(negotiate(['fr-FR', 'de-AT', 'en'], ['en', 'de'])).toBe('de');
    expect(negotiate(['pt-BR'], ['pt', 'pt-BR'])).toBe('pt-BR');
    expect(negotiate(['fr'], ['en', 'de'])).toBeNull();
  });

  it('chooses the form that the count asks for and writes numbers the language’s way', () => {
    const words = { files_one: '{count} file', files_other: '{count} files' };
    const locale = new Locale<'files'>('en', words, words);
    expect([1, 2, 1234].map((count) => locale.text('files', { count }))).toEqual(['1 file', '2 files', '1,234 files']);
  });

  it('falls back to English for a word and for a whole file', async () => {
    expect(new Locale<'hello'>('de', {}, { hello: 'Hello' }).text('hello')).toBe('Hello');
    const broken = await loadLocale<'hello'>({ hello: 'Hello' }, { de: () => Promise.reject(new Error('gone')) }, ['de']);
    expect(broken.text('hello')).toBe('Hello');
  });

  it('knows which languages are written from right to left', () => {
    expect(new Locale('ar-EG', {}, {}).direction).toBe('rtl');
    expect(new Locale('de', {}, {}).direction).toBe('ltr');
  });

  it.each(Object.keys(files))('%s has the keys of the English file and the same values in each', (path) => {
    const values = (words: string) => [...words.matchAll(/\{\w+\}/g)].map(([value]) => value).sort();
    for (const [section, words] of Object.entries(english)) {
      const translated = files[path]?.[section] ?? {};
      expect(Object.keys(translated).sort()).toEqual(Object.keys(words).sort());
      for (const key of Object.keys(words)) expect(values(translated[key] ?? '')).toEqual(values(words[key] ?? ''));
    }
  });
});

describe('relative time', () => {
  const now = Date.UTC(2026, 5, 15, 12);
  const ago = (ms: number) => relativeTime('en', new Date(now - ms).toISOString(), now, 'now');

  it('names the largest unit that fits, and the date when it is old', () => {
    expect([5_000, 300_000, 7_200_000, 86_400_000].map(ago)).toEqual(['now', '5 min. ago', '2 hr. ago', 'yesterday']);
    expect(ago(30 * 86_400_000)).toMatch(/2026/);
  });
});
