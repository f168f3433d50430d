/**
 * Quotas in words, and how their amounts are written.
 */
import { sizeOf } from '../parts/numbers';
import { locale, text } from '../words';

export const quotaNames = ['members', 'documents', 'storage_bytes', 'conversations_per_month'] as const;
type QuotaName = (typeof quotaNames)[number];

export function quotaLabel(name: string): string {
  return (quotaNames as readonly string[]).includes(name) ? text(`quota_${name as QuotaName}`) : name.replaceAll('_', ' ');
}

export function quotaAmount(name: string): (amount: number) => string {
  if (name.endsWith('_bytes')) return (amount) => sizeOf(locale.tag, amount);
  const format = new Intl.NumberFormat(locale.tag);
  return (amount) => format.format(amount);
}
