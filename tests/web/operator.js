/**
 * A workspace's life and the appliance's: usage, export, erasing with proof, quotas, suspending, backups, and what was checked.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { phone, picture, withPage } from './browser.js';
import { fits } from './chat.js';
import { openSection, rowOf, signIn } from './desk.js';

export function operatorTests(world) {
  const open = (options, run) =>
    // Whoever is not signed in is asked who it is, and that is a 401; the others the tests cause themselves.
    withPage(world.browser, { hosts: [world.origin], expects: [/status of 4\d\d/], ...options }, async (page, watch) => {
      await page.goto(world.origin);
      await signIn(page);
      await page.getByRole('heading', { level: 1, name: 'Documents' }).waitFor();
      await run(page, watch);
    });

  test('a workspace shows what it uses, and is exported as one file', () =>
    open({}, async (page) => {
      await openSection(page, 'Settings');
      await page.getByText('Storage', { exact: true }).waitFor();
      await picture(page, 'settings');
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export workspace' }).click()]);
      assert.match(download.suggestedFilename(), /\.frontdesk-workspace$/);
      await page.getByRole('button', { name: 'Erase…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Current password', { exact: true }).fill('whatever it may be');
      assert.ok(await dialog.getByRole('button', { name: 'Erase for good' }).isDisabled(), 'the short name is missing');
      await picture(page, 'erase-dialog');
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      assert.ok(await page.getByRole('button', { name: 'Erase…' }).evaluate((button) => button === document.activeElement), 'the focus is back where it was');
    }));

  test('a workspace is made, bounded, suspended, resumed and erased with proof', () =>
    open({}, async (page) => {
      await openSection(page, 'Workspaces');
      await page.getByRole('button', { name: 'New workspace' }).click();
      await page.getByRole('dialog').getByLabel('Workspace name').fill('Short-lived fair');
      await page.getByRole('dialog').getByLabel('Short name').fill('fair');
      await page.getByRole('dialog').getByRole('button', { name: 'Create workspace' }).click();
      await rowOf(page, 'Short-lived fair').getByText('Active').waitFor();
      await picture(page, 'workspaces');
      await page.getByRole('link', { name: 'Manage: Short-lived fair' }).click();
      await page.getByRole('heading', { level: 1, name: 'Short-lived fair' }).waitFor();

      const documents = page.getByRole('textbox', { name: 'Documents' });
      await documents.fill('many');
      await page.getByText('A whole number, or nothing.').waitFor();
      await documents.fill('12');
      await page.getByRole('button', { name: 'Save' }).last().click();
      await page.getByText('Now: 12').waitFor();

      await page.getByRole('button', { name: 'Suspend' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
      await page.getByText('Suspended', { exact: true }).waitFor();
      await picture(page, 'workspace-suspended');
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
      await page.getByText('Active', { exact: true }).waitFor();

      await page.getByRole('button', { name: 'Erase…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Type “fair” to confirm').fill('fair');
      await dialog.getByRole('button', { name: 'Erase for good' }).click();
      await page.getByRole('heading', { name: 'The workspace is erased' }).waitFor();
      await picture(page, 'erasure-proof');
      await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
      await page.getByRole('heading', { level: 1, name: 'Workspaces' }).waitFor();
      assert.equal(await rowOf(page, 'Short-lived fair').count(), 0);
    }));

  test('a backup is made, verified, downloaded and deleted', () =>
    open({}, async (page) => {
      await openSection(page, 'Backups');
      await page.getByText('No backups yet').waitFor();
      await picture(page, 'backups-empty');
      await page.getByRole('button', { name: 'Back up now' }).click();
      await page.getByText('Verified', { exact: true }).waitFor({ timeout: 120_000 });
      await page.getByText('Last verified backup:').waitFor();
      await picture(page, 'backups');
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /^Download / }).click()]);
      assert.ok(await download.path());
      await page.getByRole('button', { name: /^Delete / }).click();
      await page.getByRole('dialog').getByText('It is the newest one that was verified.').waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await page.getByText('No backups yet').waitFor();
    }));

  test('the operator sees how the appliance is, on a phone in the dark too', () =>
    open({ size: phone, colorScheme: 'dark' }, async (page) => {
      for (const [link, heading] of [['Overview', 'Appliance'], ['Workspaces', 'Workspaces'], ['Backups', 'Backups'], ['Settings', 'Settings'], ['Members', 'Members'], ['Account', 'Account']]) {
        await page.getByRole('button', { name: 'Menu' }).click();
        await page.getByRole('dialog', { name: 'Menu' }).getByRole('link', { name: link }).click();
        await page.getByRole('heading', { level: 1, name: heading }).waitFor();
        if (link === 'Overview') await page.getByRole('heading', { name: /^Checks/ }).waitFor();
        await fits(page);
        await picture(page, `phone-${heading.toLowerCase()}`);
      }
    }));
}
