/**
 * What the backups are worth together: how old the newest one is that was proved to open.
 */
import type { Backup } from '../../api/types';

const DAY_MS = 86_400_000;

export interface Stand {
  /** `old` when a day and a half has passed: a daily backup has been missed by then. */
  state: 'good' | 'old' | 'none';
  at: string | null;
  name: string | null;
}

export function standOf(backups: readonly Backup[], nowMs: number): Stand {
  const sound = backups.filter(({ verified_at, problem }) => verified_at !== null && problem === null);
  const newest = sound.reduce<Backup | null>((best, backup) => (best && best.made_at >= backup.made_at ? best : backup), null);
  if (!newest) return { state: 'none', at: null, name: null };
  const old = nowMs - new Date(newest.made_at).getTime() > 1.5 * DAY_MS;
  return { state: old ? 'old' : 'good', at: newest.made_at, name: newest.name };
}
