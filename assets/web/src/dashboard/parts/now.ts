/**
 * The one clock that all relative times of the dashboard follow.
 */
import { Clock } from '../../ui/clock.svelte';

export const clock = new Clock();
