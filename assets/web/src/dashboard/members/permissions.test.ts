import { describe, expect, it } from 'vitest';
import type { Membership, Role } from '../../api/types';
import { mayChange, mayGive } from './assignable';
import { grouped, holdable, known, permissionsOf, presetOf } from './permissions';

const infos = (...names: string[]) => names.map((permission) => ({ permission, description: '' }));

describe('permissions', () => {
  it('are all shown, those that the page does not know last', () => {
    const groups = grouped(infos('teach_robots', ...known));
    expect(groups.flatMap(({ items }) => items)).toHaveLength(known.length + 1);
    expect(groups.at(-1)?.items.map(({ permission }) => permission)).toEqual(['teach_robots']);
    expect(grouped(infos('read_members')).map(({ label }) => label)).toEqual(['permissions_people']);
  });

  it('of a key never reach over people, export or erasure, nor over what its maker may', () => {
    expect(holdable(known, known)).not.toEqual(expect.arrayContaining(['manage_members']));
    expect(holdable(known, known).filter((permission) => /export|erase|manage_members/.test(permission))).toEqual([]);
    expect(holdable(known, ['read_knowledge', 'erase_workspace'])).toEqual(['read_knowledge']);
  });

  it('have presets that are found again whatever their order', () => {
    const available = holdable(known, known);
    expect(permissionsOf('read', available).every((permission) => permission.startsWith('read_'))).toBe(true);
    expect(permissionsOf('chat', available)).toContain('take_part');
    expect(permissionsOf('everything', available)).toEqual(available);
    for (const preset of ['read', 'chat', 'everything'] as const) expect(presetOf([...permissionsOf(preset, available)].reverse(), available)).toBe(preset);
    expect(presetOf(['write_knowledge'], available)).toBeNull();
    expect(permissionsOf('chat', ['read_knowledge'])).toEqual(['read_knowledge']);
  });
});

describe('a role', () => {
  const role = (id: string, permissions: string[]): Role => ({ id, name: id, built_in: false, permissions, members: 0 });
  const giver = (name: string, permissions: string[]) => ({ role: name, permissions }) as Membership;

  it('can be given by whoever has all of it, and owner only by an owner', () => {
    const admin = giver('admin', ['read_members', 'manage_members']);
    expect(mayGive(role('rol_1', ['read_members']), admin)).toBe(true);
    expect(mayGive(role('rol_2', ['erase_workspace']), admin)).toBe(false);
    expect(mayGive(role('owner', []), admin)).toBe(false);
    expect(mayGive(role('owner', []), giver('owner', []))).toBe(true);
    expect([mayChange('owner', admin), mayChange('agent', admin)]).toEqual([false, true]);
  });
});
