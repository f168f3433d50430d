/**
 * The widget on a page of another origin.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { desktop, phone, picture, withPage } from './browser.js';
import { ask, box, openCitation, panel, questions, rows, shownPassage } from './chat.js';
import { startHostPage } from './host_page.js';

export function widgetTests(world) {
  const onHost = async (options, run) => {
    const { policy, attributes, ...more } = options;
    const host = await startHostPage(`${world.origin}/sdk.js`, { policy, attributes });
    try {
      await withPage(world.browser, { hosts: [world.origin, host.origin], ...more }, async (page, watch) => {
        await page.goto(host.origin);
        await run(page, watch, host);
      });
    } finally {
      host.close();
    }
  };
  const launcher = (page) => page.locator('frontdesk-widget button.launcher');
  const asked = (watch) => watch.requests.filter((url) => url.includes(new URL(world.origin).host)).map((url) => new URL(url).pathname);

  for (const [device, size, colorScheme] of [['phone', phone, 'light'], ['phone', phone, 'dark'], ['desktop', desktop, 'light'], ['desktop', desktop, 'dark']]) {
    test(`the widget answers on a ${device} in the ${colorScheme}, whatever the style of the page around it`, () =>
      onHost({ size, colorScheme }, async (page, watch) => {
        const name = `widget-${device}-${colorScheme}`;
        const own = () => page.locator('#own').evaluate((element) => [element.offsetLeft, element.offsetTop, element.offsetWidth, element.offsetHeight, scrollX, scrollY].join());
        const before = await own();
        await launcher(page).waitFor();
        assert.deepEqual(asked(watch), ['/sdk.js'], 'only the loader is asked for before the click');
        assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), []);
        await picture(page, `${name}-0`);
        await launcher(page).click();
        await page.getByText('What can I help you with?').waitFor();
        await picture(page, `${name}-1`);
        const answer = await ask(page, questions.code);
        assert.match(await answer.innerText(), /grinder jammed/i);
        await picture(page, `${name}-2`);
        const looks = await box(page).evaluate((element) => {
          const { direction, textTransform, letterSpacing, visibility, fontStyle } = getComputedStyle(element);
          return { direction, textTransform, letterSpacing, visibility, fontStyle };
        });
        assert.deepEqual(looks, { direction: 'ltr', textTransform: 'none', letterSpacing: 'normal', visibility: 'visible', fontStyle: 'normal' });
        await openCitation(page, answer);
        await picture(page, `${name}-3`);
        assert.deepEqual(await page.context().cookies(), [], 'no cookie, on neither side');
        assert.equal(await own(), before, 'the page around it has not moved');
      }));
  }

  test('the keyboard opens the widget, and Escape closes first the source and then the widget', () =>
    onHost({}, async (page) => {
      await launcher(page).waitFor();
      await launcher(page).focus();
      await page.keyboard.press('Enter');
      await page.getByText('What can I help you with?').waitFor();
      await page.keyboard.type(questions.code);
      await page.keyboard.press('Enter');
      const answer = rows(page).nth(1);
      await answer.locator('.label').waitFor();
      await answer.locator('button.marker').first().press('Enter');
      await shownPassage(page);
      await page.keyboard.press('Escape');
      await panel(page).waitFor({ state: 'detached' });
      assert.equal(await launcher(page).getAttribute('aria-expanded'), 'true');
      await page.keyboard.press('Escape');
      assert.equal(await launcher(page).getAttribute('aria-expanded'), 'false');
    }));

  test('a visitor who comes back to the page finds the conversation in the widget', () =>
    onHost({}, async (page) => {
      await launcher(page).click();
      await ask(page, questions.code);
      await page.reload();
      await launcher(page).click();
      await rows(page).nth(1).locator('.label').waitFor();
      assert.equal(await rows(page).count(), 2);
    }));

  test('a page with a strict content security policy can have the widget', () => {
    const { origin, host } = new URL(world.origin);
    const policy = `default-src 'none'; script-src ${origin}; connect-src ${origin} wss://${host}`;
    return onHost({ policy }, async (page) => {
      await launcher(page).click();
      const answer = await ask(page, questions.period);
      assert.match(await answer.innerText(), /30 days/);
    });
  });
}
