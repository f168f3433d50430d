/**
 * One's own account: the second factor from turning it on to turning it off, sessions, the password.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { phone, picture, withPage } from './browser.js';
import { fits } from './chat.js';
import { codeOf, openSection, owner, signIn } from './desk.js';

export function accountTests(world) {
  // Whoever is not signed in is asked who it is, and that is a 401; the others the tests cause themselves.
  const open = (options, run) => withPage(world.browser, { hosts: [world.origin], expects: [/status of 4\d\d/], ...options }, run);
  const factor = { secret: '', codes: [] };

  /** Row B2, in the browser. */
  test('a second factor is turned on with a code, and its recovery codes must be acknowledged', () =>
    open({}, async (page) => {
      await page.goto(world.origin);
      await signIn(page);
      await openSection(page, 'Account');
      await page.getByRole('button', { name: 'Turn on' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Current password', { exact: true }).fill('not this one at all');
      await dialog.getByRole('button', { name: 'Continue' }).click();
      await dialog.getByRole('alert').waitFor();
      await dialog.getByLabel('Current password', { exact: true }).fill(owner.password);
      await dialog.getByRole('button', { name: 'Continue' }).click();
      const image = dialog.getByRole('img', { name: 'QR code' });
      await image.waitFor();
      assert.ok(await image.evaluate((shown) => shown.decode().then(() => shown.naturalWidth > 0)), 'the code can be scanned');
      factor.secret = await dialog.locator('code').innerText();
      await picture(page, 'account-second-factor');
      await dialog.getByLabel('Code', { exact: true }).fill(codeOf(factor.secret));
      await page.getByRole('dialog', { name: 'Your recovery codes' }).waitFor();
      factor.codes = await dialog.getByRole('listitem').allInnerTexts();
      assert.equal(factor.codes.length, 10);
      await page.keyboard.press('Escape');
      assert.ok(await dialog.isVisible(), 'they cannot be lost by accident');
      assert.ok(await dialog.getByRole('button', { name: 'Done' }).isDisabled());
      const [download] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Download' }).click()]);
      assert.match(download.suggestedFilename(), /recovery-codes\.txt$/);
      await dialog.getByLabel('I have kept these codes').check();
      await picture(page, 'account-recovery-codes');
      await dialog.getByRole('button', { name: 'Done' }).click();
      await page.getByText('10 recovery codes left').waitFor();
      await picture(page, 'account');
    }));

  test('signing in asks for the code on a phone, takes a pasted one with a space, and says when it is wrong', () =>
    open({ size: phone, colorScheme: 'dark' }, async (page) => {
      await page.goto(world.origin);
      await signIn(page);
      const code = page.getByLabel('Code', { exact: true });
      await code.waitFor();
      assert.ok(await code.evaluate((input) => input === document.activeElement), 'one can type at once');
      assert.deepEqual(await code.evaluate((input) => [input.inputMode, input.autocomplete]), ['numeric', 'one-time-code']);
      const right = codeOf(factor.secret, 1);
      await code.fill(right === '000000' ? '000001' : '000000');
      await page.getByRole('alert').waitFor();
      await picture(page, 'sign-in-code-refused');
      await fits(page);
      // The code of the step after, since the one before has been used; the sixth digit sends.
      const next = codeOf(factor.secret, 1);
      await code.fill(`${next.slice(0, 3)} ${next.slice(3)}`);
      await page.getByRole('heading', { level: 1, name: 'Documents' }).waitFor();
      await picture(page, 'dashboard-after-code');
    }));

  test('a recovery code signs in once, and turns the second factor off', () =>
    open({}, async (page) => {
      await page.goto(world.origin);
      await signIn(page);
      await page.getByRole('button', { name: 'Use a recovery code instead' }).click();
      await page.getByLabel('Recovery code').fill(factor.codes[0]);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await openSection(page, 'Account');
      await page.getByText('9 recovery codes left').waitFor();

      await page.getByText('This one', { exact: true }).waitFor();
      const ends = page.getByRole('button', { name: /^End: / });
      const before = await ends.count();
      assert.ok(before >= 1, 'the phone is signed in as well');
      await ends.first().click();
      await page.getByText('Session ended: ').waitFor();
      assert.equal(await ends.count(), before - 1);

      await page.getByRole('button', { name: 'Turn off' }).click();
      const dialog = page.getByRole('dialog', { name: 'Turn off the second factor' });
      await dialog.getByLabel('Current password', { exact: true }).fill(owner.password);
      await dialog.getByRole('button', { name: 'Use a recovery code instead' }).click();
      for (const [code, ends] of [[factor.codes[0], false], [factor.codes[1], true]]) {
        await dialog.getByLabel('Recovery code').fill(code);
        await dialog.getByRole('button', { name: 'Turn off' }).click();
        if (!ends) await dialog.getByRole('alert').waitFor();
      }
      await page.getByText('The second factor is off.').waitFor();
    }));

  test('a new password is asked for its strength and ends other sessions', () =>
    open({}, async (page) => {
      await page.goto(world.origin);
      await signIn(page);
      await openSection(page, 'Account');
      const fresh = `${owner.password} and eight`;
      await page.getByLabel('Current password', { exact: true }).fill(owner.password);
      await page.getByLabel('New password', { exact: true }).fill('short');
      await page.getByRole('button', { name: 'Change password' }).click();
      await page.getByRole('alert').waitFor();
      assert.equal(await page.getByRole('alert').count(), 1, 'what is wrong is said once');
      await picture(page, 'account-password-refused');
      await page.getByLabel('New password', { exact: true }).fill(fresh);
      await page.getByRole('button', { name: 'Change password' }).click();
      await page.getByText('Password changed.').waitFor();
      owner.password = fresh;
      await page.reload();
      await page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
    }));

  test('who forgot the password is told where a link comes from', () =>
    open({ size: phone }, async (page) => {
      await page.goto(world.origin);
      await page.getByLabel('Email').fill(owner.email);
      await page.getByRole('button', { name: 'Forgot your password?' }).click();
      await page.getByText(`frontdesk account reset ${owner.email}`).waitFor();
      await picture(page, 'forgot-without-mail');
      await fits(page);
    }));

  test('a link that was used or never made is refused in words', () =>
    open({}, async (page) => {
      await page.goto(`${world.origin}/reset#token=nothing`);
      await page.getByLabel('New password', { exact: true }).fill('a password nobody would guess 9');
      await page.getByRole('button', { name: 'Set the password' }).click();
      await page.getByRole('alert').waitFor();
      await page.goto(`${world.origin}/invite#token=nothing`);
      await page.getByRole('heading', { name: 'This invitation does not work' }).waitFor();
      await picture(page, 'invitation-gone');
      await page.getByRole('button', { name: 'Back to the sign-in' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      assert.equal(new URL(page.url()).pathname, '/');
    }));
}
