/**
 * Which section is looked at: the fragment of the address names it, so that reloading and the back button work.
 */
import type { Route } from './sections';
import { parseRoute } from './sections';

class Router {
  #hash = $state(location.hash);

  get current(): Route {
    return parseRoute(this.#hash);
  }

  /** Follows the address; the answer stops it. */
  start(): () => void {
    const follow = () => {
      this.#hash = location.hash;
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }

  go(hash: string): void {
    location.hash = hash;
  }

  /** Puts another address in the place of this one, which the back button then does not find. */
  replace(address: string): void {
    history.replaceState(null, '', address);
    this.#hash = location.hash;
  }
}

export const route = new Router();
