/**
 * What the tests of the dashboard have in common: the person who set the appliance up, signing in, and an authenticator app.
 */
import { createHmac } from 'node:crypto';

import { picture } from './browser.js';

export const owner = { name: 'Mara Lind', email: 'mara@example.org', password: 'a long enough secret 7' };

/** Signs in at the page that is open; the account asks for no second step. */
export async function signIn(page, { email, password } = owner) {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens a section of the dashboard by its link. */
export async function openSection(page, name, heading = name) {
  await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name, exact: true }).first().click();
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
}

/** The row of a table that speaks of something. */
export const rowOf = (page, words) => page.getByRole('row').filter({ hasText: words });

const STEP_MS = 30_000;

/** The code that an app shows (RFC 6238 with SHA-1 and six digits), some steps of thirty seconds from now. */
export function codeOf(secret, steps = 0) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / STEP_MS) + steps));
  const hash = createHmac('sha1', base32(secret)).update(counter).digest();
  const start = hash[hash.length - 1] & 15;
  return String((hash.readUInt32BE(start) & 0x7fff_ffff) % 1_000_000).padStart(6, '0');
}

function base32(text) {
  const bits = [...text.replace(/[\s=]/g, '').toUpperCase()].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}

/** Turns a second factor on at the account page that is open; answers the recovery codes. */
export async function turnOnSecondFactor(page, password) {
  await page.getByRole('button', { name: 'Turn on' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Current password', { exact: true }).fill(password);
  await dialog.getByRole('button', { name: 'Continue' }).click();
  await dialog.getByRole('img', { name: 'QR code' }).waitFor();
  await dialog.getByLabel('Code', { exact: true }).fill(codeOf(await dialog.locator('code').innerText()));
  await page.getByRole('dialog', { name: 'Your recovery codes' }).waitFor();
  const codes = await dialog.getByRole('listitem').allInnerTexts();
  await dialog.getByLabel('I have kept these codes').check();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await dialog.waitFor({ state: 'detached' });
  return codes;
}

/** Turns it off again with a recovery code. */
export async function turnOffSecondFactor(page, password, code) {
  await page.getByRole('button', { name: 'Turn off' }).click();
  const dialog = page.getByRole('dialog', { name: 'Turn off the second factor' });
  await dialog.getByLabel('Current password', { exact: true }).fill(password);
  await dialog.getByRole('button', { name: 'Use a recovery code instead' }).click();
  await dialog.getByLabel('Recovery code').fill(code);
  await dialog.getByRole('button', { name: 'Turn off' }).click();
  await page.getByText('The second factor is off.').waitFor();
}

/** Invites somebody at the members' page that is open; answers the link. */
export async function invite(page, email, role) {
  await page.getByRole('button', { name: 'Invite' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Email').fill(email);
  await dialog.getByLabel('Role').selectOption({ label: role });
  await dialog.getByRole('button', { name: 'Create invitation' }).click();
  const link = await dialog.locator('code').innerText();
  await picture(page, 'invitation-made');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await rowOf(page, email).waitFor();
  return link;
}
