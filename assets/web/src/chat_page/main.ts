/**
 * The hosted chat page, `/chat/{workspace}`. `?theme=light|dark` and `?locale=` override what the browser asks for.
 */
import { mount } from 'svelte';
import '../tokens.css';
import '../base.css';
import './page.css';
import { browserMemory, memoryKey } from '../chat/memory';
import { ChatSession } from '../chat/session.svelte';
import { loadChatLocale } from '../chat/words';
import { fitViewport } from '../ui/viewport';
import Page from './Page.svelte';

const query = new URLSearchParams(location.search);
const theme = query.get('theme');
if (theme === 'light' || theme === 'dark') document.documentElement.dataset['theme'] = theme;

const workspace = decodeURIComponent(location.pathname.split('/').filter(Boolean)[1] ?? '');
const locale = await loadChatLocale(query.get('locale'));
document.documentElement.lang = locale.tag;
document.documentElement.dir = locale.direction;

const target = document.createElement('div');
target.className = 'frontdesk chat-page';
document.body.append(target);
fitViewport(target);

mount(Page, { target, props: { session: new ChatSession('', workspace, browserMemory(memoryKey(location.host, workspace))), locale } });
