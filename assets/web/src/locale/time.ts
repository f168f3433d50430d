/**
 * Relative times for reading, exact ones for hovering.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "5 min ago", "yesterday"; the date when it is older than a week. `now` stands for less than a minute. */
export function relativeTime(tag: string, at: string, nowMs: number, now: string): string {
  const date = new Date(at);
  const ago = nowMs - date.getTime();
  if (Math.abs(ago) < MINUTE_MS) return now;
  const format = new Intl.RelativeTimeFormat(tag, { numeric: 'auto', style: 'short' });
  if (Math.abs(ago) < HOUR_MS) return format.format(-Math.round(ago / MINUTE_MS), 'minute');
  if (Math.abs(ago) < DAY_MS) return format.format(-Math.round(ago / HOUR_MS), 'hour');
  if (Math.abs(ago) < 7 * DAY_MS) return format.format(-Math.round(ago / DAY_MS), 'day');
  return new Intl.DateTimeFormat(tag, { dateStyle: 'medium' }).format(date);
}

export function exactTime(tag: string, at: string): string {
  return new Intl.DateTimeFormat(tag, { dateStyle: 'full', timeStyle: 'medium' }).format(new Date(at));
}

/** The day of a time in the reader's zone, as a key that tells days apart. */
export function dayOf(at: string): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** "Today", "Yesterday", or the date. */
export function dayName(tag: string, at: string, nowMs: number, words: { today: string; yesterday: string }): string {
  const day = dayOf(at);
  if (day === dayOf(new Date(nowMs).toISOString())) return words.today;
  if (day === dayOf(new Date(nowMs - DAY_MS).toISOString())) return words.yesterday;
  return new Intl.DateTimeFormat(tag, { weekday: 'long', day: 'numeric', month: 'long' }).format(new Date(at));
}
