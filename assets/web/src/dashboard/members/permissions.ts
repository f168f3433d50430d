/**
 * Permissions as people think of them: in groups, and for API keys as three presets.
 */
import type { DashboardKey } from '../words';

/** Those that this page has words for; the server may have more. */
export const known = [
  'read_conversations',
  'take_part',
  'read_knowledge',
  'write_knowledge',
  'read_members',
  'manage_members',
  'read_workspace',
  'manage_workspace',
  'manage_api_keys',
  'manage_jobs',
  'read_audit',
  'export_workspace',
  'erase_workspace',
] as const;

type Known = (typeof known)[number];

export interface PermissionGroup<Item> {
  label: DashboardKey;
  items: Item[];
}

const groups: readonly { label: DashboardKey; permissions: readonly Known[] }[] = [
  { label: 'permissions_conversations', permissions: ['read_conversations', 'take_part'] },
  { label: 'permissions_knowledge', permissions: ['read_knowledge', 'write_knowledge'] },
  { label: 'permissions_people', permissions: ['read_members', 'manage_members'] },
  { label: 'permissions_workspace', permissions: ['read_workspace', 'manage_workspace', 'manage_api_keys', 'manage_jobs', 'read_audit', 'export_workspace', 'erase_workspace'] },
];

/** Sorts into groups; what no group has comes last, so that nothing the server offers is hidden. */
export function grouped<Item extends { permission: string }>(items: readonly Item[]): PermissionGroup<Item>[] {
  const placed = groups.map(({ label, permissions }) => ({
    label,
    items: permissions.flatMap((permission) => items.filter((item) => item.permission === permission)),
  }));
  const names = new Set<string>(known);
  const others = items.filter(({ permission }) => !names.has(permission));
  return [...placed, { label: 'permissions_more' as const, items: others }].filter((group) => group.items.length > 0);
}

/** The words' key for a permission; null for one that this page does not know. */
export function permissionKey(permission: string): DashboardKey | null {
  return (known as readonly string[]).includes(permission) ? (`permission_${permission as Known}` as const) : null;
}

/** "manage_things" as "manage things", where there are no better words. */
export function plainName(permission: string): string {
  return permission.replaceAll('_', ' ');
}

export const presets = ['read', 'chat', 'everything'] as const;
export type Preset = (typeof presets)[number];

const reading = ['read_conversations', 'read_knowledge', 'read_workspace'];
/** What no key may hold, whoever makes it. */
const neverByKey = new Set(['export_workspace', 'erase_workspace', 'manage_members']);

/** Those that a key of this maker can hold. */
export function holdable(all: readonly string[], own: readonly string[]): string[] {
  return all.filter((permission) => !neverByKey.has(permission) && own.includes(permission));
}

/** What a preset stands for, of those that can be given. */
export function permissionsOf(preset: Preset, available: readonly string[]): string[] {
  if (preset === 'everything') return [...available];
  const wanted = preset === 'chat' ? [...reading, 'take_part'] : reading;
  return available.filter((permission) => wanted.includes(permission));
}

/** The preset that a set of permissions is, if it is one. */
export function presetOf(permissions: readonly string[], available: readonly string[]): Preset | null {
  const set = new Set(permissions);
  const same = (other: readonly string[]) => other.length === set.size && other.every((permission) => set.has(permission));
  return presets.find((preset) => same(permissionsOf(preset, available))) ?? null;
}
