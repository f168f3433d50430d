/**
 * The time for relative times: one value for all of them, renewed every half minute and when the page is looked at again.
 */

const PERIOD_MS = 30_000;

export class Clock {
  nowMs = $state(Date.now());

  /** Starts ticking; the answer stops it. */
  start(): () => void {
    const tick = () => {
      this.nowMs = Date.now();
    };
    const timer = setInterval(tick, PERIOD_MS);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }
}
