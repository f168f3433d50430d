/**
 * The audit trail in plain words: a sentence for each action, and its details where they say more.
 */
import type { AuditEntry } from '../../api/types';
import type { Locale } from '../../locale/locale';
import type { DashboardKey } from '../words';

/** Every action that this page has a sentence for, in the groups of the filter. */
export const actionGroups = {
  signing_in: ['session.opened', 'session.refused', 'session.ended', 'password.changed', 'password.reset_issued', 'password.reset', 'mfa.enabled', 'mfa.disabled', 'mfa.recovery_codes_renewed', 'mfa.recovery_code_used'],
  people: ['account.created', 'account.operator_changed', 'member.invited', 'member.invitation_revoked', 'member.joined', 'member.role_changed', 'member.removed', 'role.created', 'role.changed', 'role.deleted'],
  workspace: ['workspace.created', 'workspace.changed', 'workspace.quotas_changed', 'workspace.suspended', 'workspace.resumed', 'workspace.exported', 'workspace.imported', 'workspace.erased', 'document.deleted', 'budget.changed'],
  keys: ['api_key.created', 'api_key.revoked', 'provider_key.set', 'provider_key.removed'],
  appliance: ['appliance.set_up', 'appliance.key_rotated', 'backup.made', 'backup.deleted', 'backup.downloaded', 'backup.restored', 'audit.exported', 'support_bundle.made'],
} as const;

export type ActionGroup = keyof typeof actionGroups;
type KnownAction = (typeof actionGroups)[ActionGroup][number];
type Underlined<Text extends string> = Text extends `${infer Head}.${infer Tail}` ? `${Head}_${Tail}` : Text;
export type SentenceKey = `did_${Underlined<KnownAction>}`;

const knownActions = new Set<string>(Object.values(actionGroups).flat());
/** These say whom or what they were about. */
const naming = new Set<string>(['password.reset_issued', 'account.created', 'account.operator_changed', 'member.invited', 'member.invitation_revoked', 'member.role_changed', 'member.removed', 'role.created', 'role.changed', 'role.deleted', 'api_key.created', 'api_key.revoked', 'document.deleted', 'backup.made', 'backup.deleted', 'backup.downloaded', 'backup.restored', 'provider_key.set', 'provider_key.removed']);

type Text = Locale<DashboardKey>['text'];

/** The filter's words for an action: its sentence, about nobody in particular. */
export function actionName(action: string, text: Text): string {
  return isKnown(action) ? text(`did_${action.replace('.', '_') as Underlined<KnownAction>}`, { subject: '…' }) : plain(action);
}

/** "Changed Ada’s role"; an action that is newer than this page is shown as it is written. */
export function sentenceOf(entry: AuditEntry, text: Text): string {
  if (!isKnown(entry.action)) return plain(entry.action);
  // An invitation is taken up by making one's own account.
  if (entry.action === 'account.created' && entry.subject && entry.subject === entry.actor.id) return text('did_own_account');
  const subject = subjectOf(entry) ?? text('did_something');
  return text(`did_${entry.action.replace('.', '_') as Underlined<KnownAction>}`, { subject: naming.has(entry.action) ? isolate(subject) : subject });
}

/** What it was about, by the best name there is. */
function subjectOf(entry: AuditEntry): string | null {
  const details = entry.details ?? {};
  return entry.subject_name ?? details['name'] ?? details['email'] ?? details['provider'] ?? details['file'] ?? entry.subject ?? null;
}

/** What became of what, where the action was a change: "viewer → agent". */
export function turnOf({ details = {} }: AuditEntry): string | null {
  const changed = Object.keys(details).find((name) => `${name}_before` in details);
  return changed === undefined ? null : `${details[`${changed}_before`]} → ${details[changed]}`;
}

/** How it happened: `[label, value]`, without what the sentence has said already. */
export function detailsOf(entry: AuditEntry): [string, string][] {
  const said = subjectOf(entry);
  return Object.entries(entry.details ?? {})
    .filter(([name, value]) => value !== said && name !== 'session' && value !== '')
    .map(([name, value]) => [plain(name), value]);
}

/** Keeps a name of another writing direction from turning the sentence round. */
function isolate(name: string): string {
  return `\u2068${name}\u2069`;
}

function isKnown(action: string): action is KnownAction {
  return knownActions.has(action);
}

function plain(name: string): string {
  return name.replaceAll(/[._]/g, ' ');
}
