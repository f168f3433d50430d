/**
 * A list that the server gives page by page: what is loaded, whether there is more, and what went wrong.
 */
import type { Page } from '../../api/types';
import { desk } from '../desk.svelte';
import { toasts } from '../toasts.svelte';

const PAGE_ITEMS = 50;
const EMPTY_PAGES_MAX = 20;

export class List<Item> {
  /** Null until the first page is there. */
  items = $state.raw<Item[] | null>(null);
  problem = $state<string | null>(null);
  /** The next page is on its way. */
  growing = $state(false);
  #cursor = $state<string | null>(null);
  #generation = 0;
  readonly #path: string;
  readonly #filter: () => Record<string, string>;

  constructor(path: string, filter: () => Record<string, string> = () => ({})) {
    this.#path = path;
    this.#filter = filter;
  }

  get more(): boolean {
    return this.#cursor !== null;
  }

  /** Loads the first page anew; what is shown stays until it is there. */
  async load(): Promise<void> {
    this.#generation += 1;
    const mine = this.#generation;
    try {
      const page = await this.#fetch(null);
      if (mine !== this.#generation) return;
      this.items = page.items;
      this.#cursor = page.next_cursor ?? null;
      this.problem = null;
    } catch (error) {
      if (mine === this.#generation) this.problem = desk.explain(error);
    }
  }

  async grow(): Promise<void> {
    const mine = this.#generation;
    this.growing = true;
    try {
      const page = await this.#fetch(this.#cursor);
      if (mine !== this.#generation) return;
      this.items = [...(this.items ?? []), ...page.items];
      this.#cursor = page.next_cursor ?? null;
    } catch (error) {
      toasts.add(desk.explain(error));
    } finally {
      this.growing = false;
    }
  }

  /** A filtered page may be empty while there is more behind it; then the next one is taken, within reason. */
  async #fetch(after: string | null): Promise<Page<Item>> {
    const query = new URLSearchParams({ ...this.#filter(), limit: String(PAGE_ITEMS) });
    let page: Page<Item> = { items: [], next_cursor: after };
    for (let pages = 0; pages < EMPTY_PAGES_MAX && page.items.length === 0; pages += 1) {
      if (page.next_cursor) query.set('cursor', page.next_cursor);
      page = await desk.client.get(`${this.#path}?${query}`);
      if (!page.next_cursor) break;
    }
    return page;
  }
}
