/**
 * Who is signed in and which workspace is looked at, for all parts of the dashboard.
 */
import { ApiError, Client, NetworkError } from '../api/client';
import type { Me, Workspace } from '../api/types';
import { text } from './words';

export type Place = 'loading' | 'unreachable' | 'setup' | 'sign-in' | 'desk';

export class Desk {
  place = $state<Place>('loading');
  me = $state.raw<Me | null>(null);
  workspace = $state.raw<Workspace | null>(null);
  /** The server waits to be set up, and this page was not opened by the setup link. */
  notSetUp = $state(false);
  #slug: string | null = null;

  readonly client = new Client({
    base: '',
    credentials: 'same-origin',
    headers: (): Record<string, string> => (this.#slug ? { 'frontdesk-workspace': this.#slug } : {}),
  });

  /** Headers that choose the workspace, for calls that are not made by the client. */
  get headers(): Record<string, string> {
    return this.#slug ? { 'frontdesk-workspace': this.#slug } : {};
  }

  async begin(): Promise<void> {
    this.place = 'loading';
    try {
      const { needed } = await this.client.get<{ needed: boolean }>('/api/v1/setup');
      if (needed) {
        this.notSetUp = setupToken() === null;
        this.place = 'setup';
        return;
      }
      await this.enter(await this.client.get<Me>('/api/v1/me'));
    } catch (error) {
      this.place = error instanceof ApiError && error.status === 401 ? 'sign-in' : 'unreachable';
    }
  }

  async enter(me: Me): Promise<void> {
    this.me = me;
    await this.choose(me.workspaces[0]?.slug ?? null);
    this.place = 'desk';
    // The setup token has done its work; it should not stay in the address.
    if (location.pathname !== '/' || location.hash.startsWith('#token=')) history.replaceState(null, '', '/#documents');
  }

  async choose(slug: string | null): Promise<void> {
    this.#slug = slug;
    this.workspace = slug ? await this.client.get<Workspace>('/api/v1/workspace') : null;
  }

  async signOut(): Promise<void> {
    await this.client.delete('/api/v1/sessions/current');
    this.me = null;
    this.workspace = null;
    this.#slug = null;
    this.place = 'sign-in';
  }

  /** The sentence to show for an error; a session that has ended leads back to the sign-in. */
  explain(error: unknown): string {
    if (error instanceof NetworkError) return text('error_network');
    if (!(error instanceof ApiError)) return text('error_load');
    if (error.status === 401 && this.place === 'desk') this.place = 'sign-in';
    if (error.retryAfterMs !== null) return text('error_busy', { seconds: Math.ceil(error.retryAfterMs / 1000) });
    return error.message;
  }
}

/** The token in the setup link's fragment, which browsers do not send to servers. */
export function setupToken(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('token');
}

export const desk = new Desk();
