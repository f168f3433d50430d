/**
 * The launcher's few words in every language there is, since it must not fetch anything.
 */
import { negotiate } from '../locale/locale';

type Words = Record<string, string>;

const catalogue = Object.fromEntries(
  Object.entries(import.meta.glob<Words>('../../../locales/*.json', { eager: true, import: 'widget' })).map(([path, words]) => [
    path.replace(/^.*\/|\.json$/g, ''),
    words,
  ]),
);

/** Finds words in the best language: an explicit choice, then the page's, then the browser's. */
export function launcherWords(choice: string | null): (key: string, count?: number) => string {
  const wanted = [choice ?? '', ...navigator.languages];
  const name = negotiate(wanted, Object.keys(catalogue)) ?? 'en';
  const words = { ...catalogue['en'], ...catalogue[name] };
  return (key, count) => {
    const form = count === undefined ? key : `${key}_${new Intl.PluralRules(name).select(count)}`;
    return (words[form] ?? words[`${key}_other`] ?? key).replace('{count}', String(count));
  };
}
