/**
 * The dashboard's words in the reader's language, made once before anything is shown.
 */
import { dashboard as english } from '../../../locales/en.json';
import { catalogueOf, loadLocale, type Locale, wantedLanguages } from '../locale/locale';

type BaseKey<Key extends string> = Key extends `${infer Base}_one` | `${infer Base}_other` ? Base : Key;
export type DashboardKey = BaseKey<keyof typeof english & string>;

const catalogue = catalogueOf(import.meta.glob(['../../../locales/*.json', '!../../../locales/en.json'], { import: 'dashboard' }));

export const locale: Locale<DashboardKey> = await loadLocale<DashboardKey>(
  english,
  catalogue,
  wantedLanguages(new URLSearchParams(location.search).get('locale')),
);
export const text = locale.text;
