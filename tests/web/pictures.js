/**
 * Pictures: attached, sent, looked at large, and answered by a model with eyes.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startAppliance } from './appliance.js';
import { desktop, phone, picture, withPage } from './browser.js';
import { answers, box, fits, rows } from './chat.js';
import { startHostPage } from './host_page.js';
import { startModel } from './model.js';

const MANUAL = '# Juniper errors\n\nE-17 means that the grinder is jammed. Empty the hopper and press Start.\n';

export function pictureTests(world) {
  const desk = {};

  before(async () => {
    desk.model = await startModel();
    desk.appliance = await startAppliance({ settings: desk.model.settings, documents: { 'juniper.md': MANUAL } });
  });

  after(async () => {
    await desk.appliance?.stop();
    desk.model?.stop();
  });

  const open = (options, run) => withPage(world.browser, { hosts: [desk.appliance.origin], ...options }, async (page, watch) => {
    await page.goto(desk.appliance.chat);
    await attach(page).waitFor();
    await run(page, watch);
  });

  for (const [device, size] of Object.entries({ phone, desktop })) {
    for (const colorScheme of ['light', 'dark']) {
      test(`a visitor shows a picture on a ${device} in the ${colorScheme} and is answered from the documents`, () =>
        open({ size, colorScheme }, async (page) => {
          const name = `pictures-${device}-${colorScheme}`;
          await choose(page, await photo(page, 'wide', 1200, 800), await photo(page, 'tall', 300, 900));
          await attached(page).nth(1).getByText('is attached').waitFor();
          assert.equal(await attached(page).count(), 2);
          await picture(page, `${name}-attached`);
          await fits(page);
          await page.getByRole('button', { name: 'Remove tall.png' }).click();
          assert.equal(await attached(page).count(), 1);
          await box(page).fill('What does this mean?');
          // Whether or not the picture is there by now.
          await box(page).press('Enter');
          await answers(page).first().locator('button.marker').waitFor();
          assert.match(await answers(page).first().innerText(), /grinder is jammed/);
          assert.equal(await attached(page).count(), 0);
          assert.equal(desk.model.pictures.length % 2, 0, 'it was looked at once to search and once to answer');
          await page.locator('.picture.shown').first().waitFor();
          await picture(page, `${name}-answered`);
          await fits(page);

          const thumbnail = page.getByRole('button', { name: 'Picture from you, show larger' });
          await thumbnail.click();
          const large = page.getByRole('dialog', { name: 'Picture from you' });
          await large.locator('.picture.shown').waitFor();
          await picture(page, `${name}-large`);
          await page.keyboard.press('Escape');
          await large.waitFor({ state: 'detached' });
          assert.ok(await thumbnail.evaluate((element) => element === document.activeElement), 'the focus is back where it was');

          const before = await rows(page).first().boundingBox();
          await page.reload();
          await page.locator('.picture.shown').first().waitFor();
          const { width, height } = await rows(page).first().boundingBox();
          assert.deepEqual([width, height], [before.width, before.height], 'what is fetched again looks the same');
          assert.ok(await painted(page), 'and is the picture');
        }));
    }
  }

  test('several pictures without a word can be pasted and dropped', () =>
    open({ size: phone }, async (page) => {
      for (const way of ['paste', 'drop']) {
        const bytes = await photo(page, way, 400, 400);
        await page.evaluate(give, { way, base64: bytes.buffer.toString('base64') });
      }
      await attached(page).nth(1).getByText('is attached').waitFor();
      await page.getByRole('button', { name: 'Send', exact: true }).click();
      await answers(page).first().locator('button.marker').waitFor();
      assert.equal(await page.getByRole('button', { name: /Picture from you \(\d\/2\), show larger/ }).count(), 2);
      await picture(page, 'pictures-several');
    }));

  test('what is no picture says so, can be removed, and does not keep the words from being sent', () =>
    open({ size: phone, colorScheme: 'dark', expects: [/400/] }, async (page) => {
      await choose(page, { name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
      await page.getByText('This file is not a picture.').waitFor();
      await box(page).fill('What does E-17 mean?');
      assert.equal(await page.getByRole('button', { name: 'Send', exact: true }).getAttribute('aria-disabled'), 'true');
      await picture(page, 'pictures-refused');
      await choose(page, { name: 'manual.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7') });
      await page.getByText('manual.pdf is not a picture.').waitFor();
      await page.getByRole('button', { name: 'Remove notes.png' }).click();
      await box(page).press('Enter');
      await answers(page).first().locator('button.marker').waitFor();
    }));

  test('the widget shows pictures on a page whose policy allows none', async () => {
    const { origin, host } = new URL(desk.appliance.origin);
    const policy = `default-src 'none'; script-src ${origin}; connect-src ${origin} wss://${host}`;
    const shop = await startHostPage(`${origin}/sdk.js`, { policy });
    try {
      await withPage(world.browser, { hosts: [origin, shop.origin], size: desktop }, async (page) => {
        await page.goto(shop.origin);
        await page.locator('frontdesk-widget button.launcher').click();
        await attach(page).waitFor();
        await choose(page, await photo(page, 'display', 600, 400));
        await attached(page).first().getByText('is attached').waitFor();
        await page.getByRole('button', { name: 'Send', exact: true }).click();
        await page.locator('.picture.shown').first().waitFor();
        await page.getByRole('button', { name: 'Picture from you, show larger' }).click();
        await page.getByRole('dialog', { name: 'Picture from you' }).locator('.picture.shown').waitFor();
        await picture(page, 'pictures-widget-large');
        await page.keyboard.press('Escape');
        assert.equal(await page.locator('frontdesk-widget button.launcher').getAttribute('aria-expanded'), 'true');
        await picture(page, 'pictures-widget');
      });
    } finally {
      shop.close();
    }
  });

  test('a workspace without a model that sees offers no pictures', () =>
    withPage(world.browser, { hosts: [world.origin] }, async (page) => {
      await page.goto(world.chat);
      await page.getByText('What can I help you with?').waitFor();
      assert.equal(await attach(page).count(), 0);
    }));
}

const attach = (page) => page.getByRole('button', { name: 'Attach a picture' });
const attached = (page) => page.getByRole('list', { name: 'Attached pictures' }).getByRole('listitem');
const choose = (page, ...files) => page.locator('input[type=file]').setInputFiles(files);

/** Draws a display that reads E-17. */
async function photo(page, name, width, height) {
  const base64 = await page.evaluate(
    ({ width, height }) => {
      const canvas = Object.assign(document.createElement('canvas'), { width, height });
      const context = canvas.getContext('2d');
      const gradient = context.createLinearGradient(0, 0, width, height);
      gradient.addColorStop(0, '#48525f');
      gradient.addColorStop(1, '#141a22');
      context.fillStyle = gradient;
      context.fillRect(0, 0, width, height);
      context.fillStyle = '#ffb347';
      context.font = `bold ${Math.min(width, height) / 3}px monospace`;
      context.textAlign = 'center';
      context.fillText('E-17', width / 2, height * 0.6);
      return canvas.toDataURL('image/png').split(',')[1];
    },
    { width, height },
  );
  return { name: `${name}.png`, mimeType: 'image/png', buffer: Buffer.from(base64, 'base64') };
}

/** Pastes or drops a file, as the browser would. */
function give({ way, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], `${way}.png`, { type: 'image/png' }));
  const target = document.querySelector('textarea');
  const more = { bubbles: true, cancelable: true };
  if (way === 'paste') {
    target.dispatchEvent(new ClipboardEvent('paste', { ...more, clipboardData: transfer }));
    return;
  }
  for (const type of ['dragover', 'drop']) target.dispatchEvent(new DragEvent(type, { ...more, dataTransfer: transfer }));
}

/** Whether the first picture has colours in it. */
function painted(page) {
  return page.locator('.picture.shown canvas').first().evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(data.filter((_, index) => index % 401 === 0)).size > 8;
  });
}
