/**
 * Who may do what: inviting, roles, keys, and the trail that all of it leaves.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { phone, picture, withPage } from './browser.js';
import { fits } from './chat.js';
import { invite, openSection, owner, rowOf, signIn, turnOffSecondFactor, turnOnSecondFactor } from './desk.js';

/** An entry of the audit. */
const told = (page, sentence) => page.locator('summary').filter({ hasText: sentence });

export function memberTests(world) {
  const open = (options, run) =>
    // Whoever is not signed in is asked who it is, and that is a 401; the others the tests cause themselves.
    withPage(world.browser, { hosts: [world.origin], expects: [/status of 4\d\d/], ...options }, async (page, watch) => {
      await page.goto(world.origin);
      await signIn(page);
      await page.getByRole('heading', { level: 1, name: 'Documents' }).waitFor();
      await run(page, watch);
    });
  const noor = { name: 'Noor Haddad', email: 'noor@example.org', password: 'seven lanterns on the quay' };

  test('an invitation is taken up with its link, and shows only what an agent may see', () =>
    open({}, async (page) => {
      await openSection(page, 'Members');
      const link = await invite(page, noor.email, 'Agent');
      await withPage(world.browser, { hosts: [world.origin], size: phone, expects: [/status of 4\d\d/] }, async (guest) => {
        await guest.goto(link);
        await guest.getByRole('heading', { name: 'Join Riverside Library' }).waitFor();
        await guest.getByText('You are invited as Agent.').waitFor();
        await picture(guest, 'invitation');
        await guest.getByLabel('Your name').fill(noor.name);
        await guest.getByLabel('Password', { exact: true }).fill('short');
        await guest.getByRole('button', { name: 'Join' }).click();
        await guest.getByRole('alert').waitFor();
        await guest.getByLabel('Password', { exact: true }).fill(noor.password);
        await guest.getByRole('button', { name: 'Join' }).click();
        await guest.getByRole('heading', { level: 1, name: 'Documents' }).waitFor();
        assert.ok(!guest.url().includes('token'), 'the token has left the address');
        await guest.getByRole('button', { name: 'Menu' }).click();
        const menu = guest.getByRole('dialog', { name: 'Menu' });
        assert.equal(await menu.getByRole('link', { name: 'Account' }).count(), 1);
        for (const hidden of ['API keys', 'Audit', 'Appearance', 'Backups']) assert.equal(await menu.getByRole('link', { name: hidden }).count(), 0, `${hidden} is not an agent's`);
        await picture(guest, 'menu-agent');
        await guest.keyboard.press('Escape');
        await fits(guest);
        await guest.goto(link);
        await guest.getByRole('heading', { name: 'This invitation does not work' }).waitFor();
      });
    }));

  test('a role is made, given and taken away again', () =>
    open({}, async (page) => {
      await openSection(page, 'Members');
      await page.getByRole('link', { name: 'Roles' }).click();
      await page.getByRole('button', { name: 'New role' }).click();
      const editor = page.getByRole('dialog', { name: 'New role' });
      await editor.getByLabel('Name').fill('Night shift');
      for (const permission of ['Read conversations', 'Write in conversations', 'See documents']) await editor.getByLabel(permission).check();
      await picture(page, 'role-editor');
      await editor.getByRole('button', { name: 'Save' }).click();
      await rowOf(page, 'Night shift').getByText('3 of').waitFor();
      await picture(page, 'roles');

      await page.getByRole('link', { name: 'People' }).click();
      await page.getByLabel(`Role of ${noor.name}`).selectOption({ label: 'Night shift' });
      await page.getByText(`${noor.name} is now Night shift.`).waitFor();
      await picture(page, 'members');

      await page.getByRole('link', { name: 'Roles' }).click();
      await page.getByRole('button', { name: 'Delete Night shift' }).click();
      const confirm = page.getByRole('dialog');
      await confirm.getByText('1 member has this role.').waitFor();
      await confirm.getByRole('button', { name: 'Delete' }).click();
      await confirm.getByRole('alert').waitFor();
      await confirm.getByRole('button', { name: 'Cancel' }).click();

      await page.getByRole('link', { name: 'People' }).click();
      await page.getByLabel(`Role of ${noor.name}`).selectOption({ label: 'Viewer' });
      await page.getByText(`${noor.name} is now Viewer.`).waitFor();
      await page.getByRole('link', { name: 'Roles' }).click();
      await page.getByRole('button', { name: 'Delete Night shift' }).click();
      await confirm.getByRole('button', { name: 'Delete' }).click();
      await page.getByText('The role Night shift is deleted.').waitFor();
    }));

  test('the last owner stays owner, and a member is removed after the name was read', () =>
    open({}, async (page) => {
      await openSection(page, 'Members');
      const own = page.getByLabel('Role of Mara Lind');
      await own.selectOption({ label: 'Agent' });
      await page.locator('.toast').waitFor();
      assert.equal(await own.inputValue(), 'owner', 'what was refused is shown as it is');
      await page.getByRole('button', { name: `Remove ${noor.name}` }).click();
      const confirm = page.getByRole('dialog', { name: `Remove ${noor.name}` });
      await confirm.getByText(noor.email).waitFor();
      assert.ok(await confirm.getByRole('button', { name: 'Cancel' }).evaluate((button) => button === document.activeElement), 'Enter harms nobody');
      await picture(page, 'member-remove');
      await confirm.getByRole('button', { name: 'Remove' }).click();
      await page.getByText(`${noor.name} is removed.`).waitFor();
      assert.equal(await rowOf(page, noor.email).count(), 0);
    }));

  test('a key is made with what it needs, shown once and revoked', () =>
    open({}, async (page) => {
      await openSection(page, 'API keys');
      await page.getByText('No API keys').waitFor();
      await page.getByRole('button', { name: 'Create key' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('textbox', { name: 'Name' }).fill('Nightly import');
      await dialog.getByRole('radio', { name: /^Chat/ }).check();
      await dialog.getByLabel('Expires').selectOption({ label: 'In 30 days' });
      await picture(page, 'key-new');
      await dialog.getByRole('button', { name: 'Create key' }).click();
      assert.ok((await dialog.locator('code').innerText()).length > 20);
      await picture(page, 'key-secret');
      await dialog.getByRole('button', { name: 'Done' }).click();
      await rowOf(page, 'Nightly import').getByText('Chat').waitFor();
      await picture(page, 'keys');
      await page.getByRole('button', { name: 'Revoke: Nightly import' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
      await page.getByText('No API keys').waitFor();
    }));

  test('the audit tells all of it in sentences, by action and by person, and can be taken along', () =>
    open({}, async (page) => {
      await openSection(page, 'Audit');
      await told(page, /invited /).waitFor();
      await told(page, /made the API key/).waitFor();
      await picture(page, 'audit');
      await page.getByLabel('What was done').selectOption('member.role_changed');
      await told(page, /changed the role of/).first().waitFor();
      await told(page, /invited /).waitFor({ state: 'detached' });
      await page.locator('summary').first().click();
      await page.getByText('Place in the trail').first().waitFor();
      await page.getByLabel('By whom').selectOption({ label: 'Mara Lind' });
      await told(page, /changed the role of/).first().waitFor();
      await picture(page, 'audit-filtered');
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()]);
      assert.match(download.suggestedFilename(), /\.ndjson$/);
      await page.setViewportSize(phone);
      await fits(page);
      await picture(page, 'audit-phone');
    }));

  test('a workspace that asks for a second factor leads whoever has none to turn one on', () =>
    open({}, async (page) => {
      await openSection(page, 'Settings');
      await page.getByRole('switch').click();
      const confirm = page.getByRole('dialog');
      await confirm.getByText('Turn on your own first.').waitFor();
      await picture(page, 'second-factor-required-first');
      await confirm.getByRole('button', { name: 'Go to my account' }).click();
      await page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
      const codes = await turnOnSecondFactor(page, owner.password);
      await openSection(page, 'Settings');
      await page.getByRole('switch').click();
      await confirm.getByRole('button', { name: 'Require it' }).click();
      await page.getByText('Members need a second factor now.').waitFor();
      assert.ok(await page.getByRole('switch').isChecked());

      await openSection(page, 'Members');
      const ida = { name: 'Ida Berg', email: 'ida@example.org', password: 'eleven herons over the lock' };
      const link = await invite(page, ida.email, 'Viewer');
      await withPage(world.browser, { hosts: [world.origin], expects: [/status of 4\d\d/] }, async (guest) => {
        await guest.goto(link);
        await guest.getByLabel('Your name').fill(ida.name);
        await guest.getByLabel('Password', { exact: true }).fill(ida.password);
        await guest.getByRole('button', { name: 'Join' }).click();
        await guest.getByText('This workspace asks for a second factor').waitFor();
        assert.equal(await guest.getByRole('navigation', { name: 'Sections' }).getByRole('link').count(), 1, 'there is only the account');
        await picture(guest, 'second-factor-required');
        await turnOnSecondFactor(guest, ida.password);
        await guest.getByRole('heading', { level: 1, name: 'Documents' }).waitFor();
      });

      await openSection(page, 'Settings');
      await page.getByRole('switch').click();
      await confirm.getByRole('button', { name: 'No longer require it' }).click();
      await page.getByText('Members no longer need a second factor.').waitFor();
      await openSection(page, 'Account');
      await turnOffSecondFactor(page, owner.password, codes[0]);
    }));
}
