/**
 * The chat inside the widget. It is put into the loader's shadow root; its style is a constructed sheet there, so neither the
 * host page's style nor its content security policy reaches it.
 */
import { mount, unmount } from 'svelte';
import '../tokens.css';
import '../base.css';
import { browserMemory, memoryKey } from '../chat/memory';
import { ChatSession } from '../chat/session.svelte';
import { loadChatLocale } from '../chat/words';
import { accentColours } from '../theme/accent';
import type { OpenPanel } from './contract';
import PanelChat from './PanelChat.svelte';

export const openPanel: OpenPanel = async (root, target, settings, events) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(PANEL_STYLE);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];

  const memory = browserMemory(memoryKey(new URL(settings.base).host, settings.workspace));
  const session = new ChatSession(settings.base, settings.workspace, memory, {
    message: ({ id, author, text }) => events.message({ id, author, text }),
    unread: events.unread,
  });

  const frame = document.createElement('div');
  frame.className = 'frontdesk';
  frame.style.setProperty('block-size', '100%');
  target.replaceChildren(frame);

  const show = async (locale: string | null) => {
    const words = await loadChatLocale(locale);
    frame.lang = words.tag;
    frame.dir = words.direction;
    const onaccent = (accent: string) => {
      const colours = accentColours(accent);
      events.accent(colours.accent, colours.onAccent);
    };
    return mount(PanelChat, { target: frame, props: { session, locale: words, onclose: events.close, onaccent } });
  };
  let chat = await show(settings.locale);

  const setTheme = (theme: string) => {
    if (theme === 'auto') delete frame.dataset['theme'];
    else frame.dataset['theme'] = theme;
  };
  setTheme(settings.theme);

  return {
    attend: (visible) => session.attend(visible),
    focus: () => chat.focus(),
    setTheme,
    setLocale: async (locale) => {
      await unmount(chat);
      chat = await show(locale);
    },
    reset: () => session.reset(),
  };
};
