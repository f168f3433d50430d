/**
 * Leaves a one-time link's page for the sign-in.
 */
import { desk } from '../desk.svelte';
import { route } from '../route.svelte';

export function toSignIn(): void {
  route.replace('/');
  void desk.begin();
}
