/**
 * Sizes, shares and amounts in the reader's way of writing them.
 */

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** "1.2 MB"; decimal units, as disks and browsers count. */
export function sizeOf(tag: string, bytes: number): string {
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const style = { style: 'unit', unit: units[step] ?? 'byte', unitDisplay: step > 0 ? 'short' : 'long' } as const;
  return new Intl.NumberFormat(tag, { ...style, maximumFractionDigits: step > 1 ? 1 : 0 }).format(bytes / 1000 ** step);
}

/** Millionths of a dollar as dollars; small amounts keep the digits that tell them from nothing. */
export function moneyOf(tag: string, micros: number): string {
  const digits = micros > 0 && micros < 1_000_000 ? 4 : 2;
  return new Intl.NumberFormat(tag, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol', maximumFractionDigits: digits }).format(micros / 1_000_000);
}

export type Pressure = 'calm' | 'near' | 'full';

/** How near something is to its limit: `near` from four fifths on, `full` when nothing more fits. */
export function pressureOf(used: number, limit: number | null): Pressure {
  if (limit === null) return 'calm';
  if (used >= limit) return 'full';
  return used >= limit * 0.8 ? 'near' : 'calm';
}
