/**
 * The sections of the dashboard, in the order and the groups of its navigation, and who sees which.
 */
import type { Me, Membership } from '../api/types';
import type { DeskIconName } from './parts/DeskIcon.svelte';
import type { DashboardKey } from './words';

export type SectionName =
  | 'documents'
  | 'appearance'
  | 'install'
  | 'members'
  | 'keys'
  | 'audit'
  | 'settings'
  | 'account'
  | 'appliance'
  | 'workspaces'
  | 'backups'
  | 'appliance-audit';

export type GroupName = 'workspace' | 'you' | 'appliance';

export interface Section {
  name: SectionName;
  group: GroupName;
  label: DashboardKey;
  icon: DeskIconName;
  /** What the person must be allowed to do in the workspace. */
  needs: string | null;
}

const all: readonly Section[] = [
  { name: 'documents', group: 'workspace', label: 'documents', icon: 'document', needs: 'read_knowledge' },
  { name: 'appearance', group: 'workspace', label: 'appearance', icon: 'palette', needs: 'manage_workspace' },
  { name: 'install', group: 'workspace', label: 'install', icon: 'code', needs: 'read_workspace' },
  { name: 'members', group: 'workspace', label: 'members', icon: 'people', needs: 'read_members' },
  { name: 'keys', group: 'workspace', label: 'keys', icon: 'key', needs: 'manage_api_keys' },
  { name: 'audit', group: 'workspace', label: 'audit', icon: 'list', needs: 'read_audit' },
  { name: 'settings', group: 'workspace', label: 'settings', icon: 'sliders', needs: 'read_workspace' },
  { name: 'account', group: 'you', label: 'account', icon: 'person', needs: null },
  { name: 'appliance', group: 'appliance', label: 'overview', icon: 'server', needs: null },
  { name: 'workspaces', group: 'appliance', label: 'workspaces', icon: 'grid', needs: null },
  { name: 'backups', group: 'appliance', label: 'backups', icon: 'archive', needs: null },
  { name: 'appliance-audit', group: 'appliance', label: 'audit', icon: 'list', needs: null },
];

export const groups: readonly { name: GroupName; label: DashboardKey }[] = [
  { name: 'workspace', label: 'workspace' },
  { name: 'you', label: 'you' },
  { name: 'appliance', label: 'appliance' },
];

/** What a person sees. A barred workspace has no sections, and what is of the appliance is the operator's. */
export function sectionsFor(me: Me, membership: Membership | null, barred: boolean): readonly Section[] {
  return all.filter(({ group, needs }) => {
    if (group === 'you') return true;
    if (group === 'appliance') return me.operator;
    return membership !== null && !barred && (needs === null || membership.permissions.includes(needs));
  });
}

export interface Route {
  section: string;
  /** What within the section: a tab, or the id of a thing. */
  within: string;
}

/** `#members/roles` is the section `members` and within it `roles`. */
export function parseRoute(hash: string): Route {
  const [section = '', ...within] = hash.replace(/^#/, '').split('/');
  return { section, within: within.join('/') };
}
