/**
 * The chat's words in the visitor's language. English comes with the script, another language is fetched from the same place.
 */
import { chat as english } from '../../../locales/en.json';
import { catalogueOf, loadLocale, wantedLanguages } from '../locale/locale';
import type { ChatKey, ChatLocale } from './context';

const catalogue = catalogueOf(import.meta.glob(['../../../locales/*.json', '!../../../locales/en.json'], { import: 'chat' }));

/** The best locale for an explicit choice (may be null) and the browser's languages. */
export function loadChatLocale(choice: string | null): Promise<ChatLocale> {
  return loadLocale<ChatKey>(english, catalogue, wantedLanguages(choice));
}
