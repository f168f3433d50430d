/**
 * Quotas as they are typed and as they are sent. Empty follows the appliance, 0 is no limit; storage is typed in gigabytes.
 */

const GIGABYTE = 1_000_000_000;

/** What stands in the field for an amount. */
export function typedOf(name: string, amount: number | null | undefined): string {
  if (amount === null || amount === undefined) return '';
  return String(name.endsWith('_bytes') ? amount / GIGABYTE : amount);
}

/** The amount that was typed; undefined when it is none. */
export function wishOf(name: string, typed: string): number | null | undefined {
  const trimmed = typed.trim().replace(',', '.');
  if (trimmed === '') return null;
  const number = Number(trimmed);
  if (!Number.isFinite(number) || number < 0) return undefined;
  if (name.endsWith('_bytes')) return Math.round(number * GIGABYTE);
  return Number.isInteger(number) ? number : undefined;
}
