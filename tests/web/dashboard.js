/**
 * The dashboard: set up with the one-time link, then documents.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { phone, picture, withPage } from './browser.js';
import { ask, fits } from './chat.js';
import { owner } from './desk.js';

const handbook = `# Lending library

## How long books may be kept

A book may be kept for 23 days. It can be renewed twice, unless somebody else waits for it.

| Late by | Fee |
|---|---|
| up to a week | 1.20 EUR |
| longer | 4.50 EUR |
`;

export function dashboardTests(world) {
  const open = (options, run) => withPage(world.browser, { hosts: [world.origin], ...options }, run);
  const { email, password } = owner;

  test('the setup page without its link says where the link is', () =>
    open({ size: phone }, async (page) => {
      await page.goto(`${world.origin}/`);
      await page.getByText('This server has not been set up yet.').waitFor();
      await picture(page, 'setup-without-link');
    }));

  test('the setup link makes an account, and the dashboard takes a document, answers from it and deletes it', () =>
    open({ expects: [/status of 422|status of 400/] }, async (page) => {
      await page.goto(world.setup);
      await page.getByLabel('Workspace name').fill('Riverside Library');
      await page.getByLabel('Your name').fill(owner.name);
      await page.getByLabel('Email').fill(email);
      await page.getByLabel('Password', { exact: true }).fill('short');
      await page.getByRole('button', { name: 'Create workspace' }).click();
      await page.getByText('Choose a password of at least 12 characters.').waitFor();
      assert.equal(await page.getByRole('alert').count(), 1, 'what is wrong is said once');
      await picture(page, 'setup-refused');
      await page.getByLabel('Password', { exact: true }).fill(password);
      await page.getByRole('button', { name: 'Create workspace' }).click();
      await page.getByText('No documents yet').waitFor();
      assert.ok(!page.url().includes('token'), 'the token has left the address');
      await picture(page, 'dashboard-empty');

      const file = { name: 'lending.md', mimeType: 'text/markdown', buffer: Buffer.from(handbook) };
      await page.locator('input[type=file]').setInputFiles(file);
      await page.getByText('1 file uploaded').waitFor();
      await page.getByText('Ready', { exact: true }).waitFor();
      await picture(page, 'dashboard-document');

      const [chat] = await Promise.all([page.waitForEvent('popup'), page.getByRole('link', { name: 'Try it' }).click()]);
      const answer = await ask(chat, 'How many days may I keep a book?');
      assert.match(await answer.innerText(), /23 days/);
      await picture(chat, 'dashboard-try');
      const fees = await ask(chat, 'What is the fee for a book that is late?');
      assert.match(await fees.innerText(), /1\.20 EUR/);
      await picture(chat, 'dashboard-try-table');
      await chat.close();

      await page.getByRole('button', { name: 'Delete lending.md' }).click();
      await page.getByText('“lending.md” deleted.').waitFor();
      await page.getByRole('button', { name: 'Undo' }).click();
      await page.getByRole('button', { name: 'Delete lending.md' }).click();
      await picture(page, 'dashboard-deleted');
      const deleted = page.waitForResponse((response) => response.request().method() === 'DELETE');
      assert.equal((await deleted).status(), 204);
      await page.reload();
      await page.getByText('No documents yet').waitFor();

      for (const section of ['Appearance', 'Install', 'API keys']) {
        await page.getByRole('link', { name: section }).click();
        await page.getByRole('heading', { level: 1, name: section }).waitFor();
        await picture(page, `dashboard-${section.toLowerCase().replace(' ', '-')}`);
      }
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    }));

  test('who has an account signs in again, on a phone in the dark', () =>
    open({ size: phone, colorScheme: 'dark', expects: [/status of 401/] }, async (page) => {
      await page.goto(`${world.origin}/`);
      await page.getByLabel('Email').fill(email);
      await page.getByLabel('Password', { exact: true }).fill(`${password}?`);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('alert').waitFor();
      await picture(page, 'sign-in-refused');
      await page.getByLabel('Password', { exact: true }).fill(password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('No documents yet').waitFor();
      await fits(page);
      await picture(page, 'dashboard-phone-dark');
    }));

  test('a setup link works once', () =>
    open({ expects: [/status of 401/] }, async (page) => {
      await page.goto(world.setup);
      await page.getByText('Frontdesk is already set up. Sign in instead.').waitFor();
    }));
}
