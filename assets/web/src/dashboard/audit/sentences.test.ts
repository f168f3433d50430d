import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../api/types';
import { Locale } from '../../locale/locale';
import type { DashboardKey } from '../words';
import { dashboard as english } from '../../../../locales/en.json';
import { dashboard as german } from '../../../../locales/de.json';
import { actionGroups, actionName, detailsOf, sentenceOf, turnOf } from './sentences';

const words = new Locale<DashboardKey>('en', english, english);
const entry = (action: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  sequence: 1,
  trail: 'workspace',
  at: '2026-11-23T10:00:00Z',
  actor: { kind: 'account', id: 'acc_1', name: 'Mara' },
  action,
  request: 'r',
  ...more,
});
/** Without the marks that keep a name's own writing direction to itself. */
const said = (one: AuditEntry) => sentenceOf(one, words.text).replaceAll(/[\u2068\u2069]/g, '');

describe('the audit in words', () => {
  it('says what was done, and to whom by the best name there is', () => {
    expect(said(entry('session.opened'))).toBe('signed in');
    expect(said(entry('member.role_changed', { subject: 'acc_2', subject_name: 'Priya' }))).toBe('changed the role of Priya');
    expect(said(entry('api_key.created', { subject: 'key_1', details: { name: 'Nightly' } }))).toBe('made the API key Nightly');
    expect(said(entry('member.invited', { details: { email: 'noor@example.org', role: 'agent' } }))).toBe('invited noor@example.org');
    expect(said(entry('member.removed', { subject: 'acc_2' }))).toBe('removed acc_2 from the workspace');
    expect(said(entry('role.deleted'))).toBe('deleted the role something');
  });

  it('says of one’s own account that it is one’s own, and of a change what became of what', () => {
    expect(said(entry('account.created', { subject: 'acc_1', subject_name: 'Mara' }))).toBe('made their account');
    expect(said(entry('account.created', { subject: 'acc_2', subject_name: 'Noor' }))).toBe('made the account of Noor');
    expect(turnOf(entry('member.role_changed', { details: { role: 'agent', role_before: 'viewer' } }))).toBe('viewer → agent');
    expect([turnOf(entry('member.removed', { details: { role_before: 'agent' } })), turnOf(entry('session.opened'))]).toEqual([null, null]);
  });

  it('shows an action that is newer than the page as it is written', () => {
    expect(said(entry('robot.taught_to_sing'))).toBe('robot taught to sing');
  });

  it('keeps a name from turning the sentence round', () => {
    expect(sentenceOf(entry('member.removed', { subject_name: 'עדי' }), words.text)).toBe('removed \u2068עדי\u2069 from the workspace');
  });

  it('has words for every action, in every language', () => {
    for (const action of Object.values(actionGroups).flat()) {
      for (const language of [english, german] as Record<string, string>[]) expect(language).toHaveProperty(`did_${action.replace('.', '_')}`);
      expect(actionName(action, words.text)).not.toContain('{');
    }
  });

  it('lists the details that the sentence has not said', () => {
    const changed = entry('api_key.created', { subject_name: 'Nightly', details: { name: 'Nightly', permissions: 'read_knowledge', session: 'ses_1' } });
    expect(detailsOf(changed)).toEqual([['permissions', 'read_knowledge']]);
    expect(detailsOf(entry('member.role_changed', { details: { role: 'agent', role_before: 'viewer' } }))).toEqual([
      ['role', 'agent'],
      ['role before', 'viewer'],
    ]);
  });
});
