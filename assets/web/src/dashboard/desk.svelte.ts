/**
 * Who is signed in and which workspace is looked at, for all parts of the dashboard.
 */
import { ApiError, Client, NetworkError } from '../api/client';
import type { ErasureProof, Me, Membership, Workspace } from '../api/types';
import { route } from './route.svelte';
import { text } from './words';

export type Place = 'loading' | 'unreachable' | 'setup' | 'sign-in' | 'reset' | 'invite' | 'desk';

/** Where the browser tab remembers the workspace that was looked at last. */
const LAST_WORKSPACE = 'frontdesk.workspace';

/** What the server says to a session that is no more; a wrong password is 401 too and ends nothing. */
const signedOut = new Set(['sign_in_required', 'session_expired']);

export class Desk {
  place = $state<Place>('loading');
  me = $state.raw<Me | null>(null);
  workspace = $state.raw<Workspace | null>(null);
  /** The server waits to be set up, and this page was not opened by the setup link. */
  notSetUp = $state(false);
  /** The server can send mail. */
  mail = $state(false);
  /** Why the workspace cannot be entered though the person belongs to it. */
  bar = $state<'mfa_required' | 'suspended' | null>(null);
  /** The word that a workspace is gone, until it has been read. */
  proof = $state.raw<ErasureProof | null>(null);
  #chosen = $state<string | null>(null);
  /** The same for the calls, which nothing should follow. */
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

  /** What the person is in the workspace that is looked at. */
  get membership(): Membership | null {
    return this.me?.workspaces.find(({ slug }) => slug === this.#chosen) ?? null;
  }

  /** Whether the person may do this in the workspace that is looked at. */
  can(permission: string): boolean {
    return this.membership?.permissions.includes(permission) ?? false;
  }

  async begin(): Promise<void> {
    this.place = 'loading';
    try {
      const { needed, mail } = await this.client.get<{ needed: boolean; mail?: boolean }>('/api/v1/setup');
      this.mail = mail ?? false;
      if (needed) {
        this.notSetUp = linkToken() === null;
        this.place = 'setup';
      } else if (location.pathname === '/reset') {
        this.place = 'reset';
      } else if (location.pathname === '/invite') {
        this.me = await this.#whoever();
        this.place = 'invite';
      } else {
        await this.enter(await this.client.get<Me>('/api/v1/me'));
      }
    } catch (error) {
      this.place = error instanceof ApiError && error.status === 401 ? 'sign-in' : 'unreachable';
    }
  }

  /** Who is signed in, if anybody is. */
  async #whoever(): Promise<Me | null> {
    try {
      return await this.client.get<Me>('/api/v1/me');
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  }

  async enter(me: Me, slug: string | null = null): Promise<void> {
    this.me = me;
    const wanted = slug ?? sessionStorage.getItem(LAST_WORKSPACE);
    const found = me.workspaces.find((membership) => membership.slug === wanted) ?? me.workspaces[0];
    await this.choose(found?.slug ?? null);
    // A one-time token has done its work; it should not stay in the address.
    if (location.pathname !== '/' || linkToken() !== null) route.replace('/');
    this.place = 'desk';
  }

  async choose(slug: string | null): Promise<void> {
    this.#slug = slug;
    this.#chosen = slug;
    this.bar = null;
    if (slug) sessionStorage.setItem(LAST_WORKSPACE, slug);
    try {
      this.workspace = slug ? await this.client.get<Workspace>('/api/v1/workspace') : null;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 403) throw error;
      this.workspace = null;
      if (error.code === 'mfa_required') this.bar = 'mfa_required';
      else if (this.membership?.suspended) this.bar = 'suspended';
    }
  }

  /** Looks again at who is signed in, and enters the workspace if that was barred. */
  async renew(me: Me | null = null): Promise<void> {
    this.me = me ?? (await this.client.get<Me>('/api/v1/me'));
    if (this.bar || !this.membership) await this.choose((this.membership ?? this.me.workspaces[0])?.slug ?? null);
  }

  async signOut(): Promise<void> {
    await this.client.delete('/api/v1/sessions/current');
    this.leave();
  }

  /** Forgets who was signed in. */
  leave(): void {
    this.me = null;
    this.workspace = null;
    this.bar = null;
    this.#slug = null;
    this.#chosen = null;
    if (this.place === 'desk') this.place = 'sign-in';
  }

  /** The sentence to show for an error; a session that has ended leads back to the sign-in. */
  explain(error: unknown): string {
    if (error instanceof NetworkError) return text('error_network');
    if (!(error instanceof ApiError)) return text('error_load');
    if (signedOut.has(error.code) && this.place === 'desk') this.leave();
    if (error.code === 'mfa_required') this.bar = 'mfa_required';
    // Whoever is throttled is told by the server how long; a busy server asks for seconds.
    if (error.retryAfterMs !== null && error.status !== 429) return text('error_busy', { seconds: Math.ceil(error.retryAfterMs / 1000) });
    return error.message;
  }
}

/** The token in the fragment of a one-time link, which browsers do not send to servers. */
export function linkToken(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('token');
}

export const desk = new Desk();
