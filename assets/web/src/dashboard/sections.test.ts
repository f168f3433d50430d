import { describe, expect, it } from 'vitest';
import type { Backup, Me, Membership } from '../api/types';
import { standOf } from './appliance/backup_stand';
import { parseRoute, sectionsFor } from './sections';

const me = (operator: boolean) => ({ operator }) as Me;
const membership = (...permissions: string[]) => ({ permissions }) as unknown as Membership;
const names = (...of: Parameters<typeof sectionsFor>) => sectionsFor(...of).map(({ name }) => name);

describe('the navigation', () => {
  it('shows only what a person may see', () => {
    expect(names(me(false), membership('read_knowledge', 'read_workspace'), false)).toEqual(['documents', 'install', 'settings', 'account']);
    expect(names(me(false), null, false)).toEqual(['account']);
    expect(names(me(true), null, false)).toEqual(['account', 'appliance', 'workspaces', 'backups', 'appliance-audit']);
  });

  it('leaves the way to the second factor when the workspace is barred', () => {
    expect(names(me(false), membership('read_knowledge', 'read_audit'), true)).toEqual(['account']);
  });

  it('reads the section and what is within it from the address', () => {
    expect(parseRoute('#members/roles')).toEqual({ section: 'members', within: 'roles' });
    expect(parseRoute('#workspaces/ten_1')).toEqual({ section: 'workspaces', within: 'ten_1' });
    expect(parseRoute('')).toEqual({ section: '', within: '' });
  });
});

describe('the stand of the backups', () => {
  const now = Date.UTC(2026, 5, 15, 12);
  const backup = (name: string, hours: number, more: Partial<Backup> = {}): Backup => {
    const made_at = new Date(now - hours * 3_600_000).toISOString();
    return { name, made_at, bytes: 1, encrypted: false, verified_at: made_at, problem: null, version: null, ...more };
  };

  it('counts the newest one that was proved to open', () => {
    const sound = backup('sound', 20);
    expect(standOf([backup('unproved', 1, { verified_at: null }), backup('broken', 2, { problem: 'cut off' }), sound, backup('older', 44)], now)).toEqual({ state: 'good', at: sound.made_at, name: 'sound' });
  });

  it('is old when a day was missed, and none when nothing was proved', () => {
    expect(standOf([backup('old', 37)], now).state).toBe('old');
    expect(standOf([backup('unproved', 1, { verified_at: null })], now)).toEqual({ state: 'none', at: null, name: null });
    expect(standOf([], now).state).toBe('none');
  });
});
