/**
 * The hosted chat page, as a visitor meets it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { desktop, phone, picture, withPage } from './browser.js';
import { answered, answers, ask, box, fits, openCitation, panel, questions, rows, shownPassage, texts } from './chat.js';

export function chatPageTests(world) {
  const open = (options, run) => withPage(world.browser, { hosts: [world.origin], ...options }, async (page, watch) => {
    await page.goto(world.chat);
    await page.getByText('What can I help you with?').waitFor();
    await run(page, watch);
  });

  for (const [device, size] of Object.entries({ phone, desktop })) {
    for (const colorScheme of ['light', 'dark']) {
      test(`a visitor asks three questions on a ${device} in the ${colorScheme} and each answer cites its document`, () =>
        open({ size, colorScheme }, async (page, watch) => {
          const name = `chat-${device}-${colorScheme}`;
          await picture(page, `${name}-0`);
          assert.deepEqual(await page.context().cookies(), [], 'looking at the page leaves no cookie');
          assert.ok(!watch.requests.some((url) => url.includes('/visitors')), 'nor a visitor');
          for (const [key, expected] of [['code', 'grinder jammed'], ['period', '30 days'], ['steps', 'descal']]) {
            const answer = await ask(page, questions[key]);
            assert.match(await answer.innerText(), new RegExp(expected, 'i'));
            assert.match(await answer.innerText(), /Quoted from the documents/);
            assert.ok(await answer.locator('button.marker').count(), 'the answer cites');
            assert.equal(await page.getByRole('button', { name: /latest/ }).count(), 0, 'the list has followed the answer');
            await fits(page);
            await picture(page, `${name}-${key}`);
            const source = await openCitation(page, answer);
            assert.match(await source.locator('mark.quote').first().innerText(), /\w/);
            await fits(page);
            await picture(page, `${name}-${key}-source`);
            await page.keyboard.press('Escape');
            await source.waitFor({ state: 'detached' });
          }
          assert.equal(await rows(page).count(), 6);
        }));
    }
  }

  test('an answer grows while it is being written', () =>
    open({}, async (page) => {
      await page.evaluate(() => {
        window.lengths = new Set();
        new MutationObserver(() => {
          const answer = document.querySelector('[role=log] article:not(.own) .bubble');
          if (answer) window.lengths.add(answer.textContent.length);
        }).observe(document.body, { subtree: true, childList: true, characterData: true });
      });
      await ask(page, questions.code);
      const lengths = await page.evaluate(() => [...window.lengths]);
      assert.ok(lengths.length > 5, `it was seen in ${lengths.length} lengths`);
    }));

  test('a question that the documents do not answer is declined calmly', () =>
    open({ size: phone }, async (page) => {
      const answer = await ask(page, questions.foreign);
      assert.match(await answer.innerText(), /Not found in the documents/);
      assert.equal(await answer.locator('button.marker').count(), 0);
      assert.equal(await page.getByRole('alert').count(), 0);
      await picture(page, 'declined-phone');
    }));

  for (const colorScheme of ['light', 'dark']) {
    test(`a statement that no document backs is marked, explained and said aloud in the ${colorScheme}`, () =>
      withPage(world.browser, { hosts: [world.origin], size: phone, colorScheme }, async (page) => {
        let statement = '';
        await page.routeWebSocket(/\/ws\?/, (client) => {
          client.connectToServer().onMessage((text) => {
            const frame = JSON.parse(String(text));
            const { answer, text: said } = frame.payload ?? {};
            if (!answer) return client.send(text);
            // As from a model whose first words cite nothing.
            statement = said.slice(0, said.indexOf(' ', 20));
            answer.quoted = false;
            answer.uncited = [{ start: 0, end: statement.length }];
            client.send(JSON.stringify(frame));
          });
        });
        await page.goto(world.chat);
        const answer = await ask(page, questions.period);
        const marked = answer.locator('.markdown .uncited');
        assert.equal((await marked.allInnerTexts()).join(''), statement);
        assert.match(await marked.first().evaluate((element) => getComputedStyle(element).textDecorationStyle), /dotted/);
        assert.equal(await answer.locator('.markdown .unseen').innerText(), '(Not backed by a document)');
        assert.match(await answer.locator('.label.uncited').innerText(), /Not backed by a document/);
        await fits(page);
        await picture(page, `uncited-${colorScheme}`);
      }));
  }

  test('reloading the page resumes the conversation', () =>
    open({}, async (page) => {
      await ask(page, questions.code);
      await ask(page, questions.period);
      const before = await texts(page);
      await page.reload();
      await answered(page, 1);
      assert.deepEqual(await texts(page), before);
      await openCitation(page, answers(page).first());
    }));

  test('a visitor who was offline is shown exactly what was missed, in order and nothing twice', () =>
    open({ expects: [/ERR_INTERNET_DISCONNECTED/] }, async (page) => {
      await ask(page, questions.code);
      await page.context().setOffline(true);
      await page.getByText('You are offline.').waitFor();
      await picture(page, 'offline-desktop');
      await box(page).fill('Written while offline: how long is the warranty on a Tamarind?');
      await box(page).press('Enter');
      await sayElsewhere(world, page, questions.period);
      assert.equal(await answers(page).count(), 1);
      await page.context().setOffline(false);
      await answered(page, 2);
      const shown = await texts(page);
      assert.equal(shown.length, 6);
      for (const part of [questions.period, 'Written while offline']) {
        assert.equal(shown.filter((text) => text.startsWith(part)).length, 1, part);
      }
      await page.reload();
      await answered(page, 2);
      assert.deepEqual(await texts(page), shown, 'the server keeps the same');
    }));

  test('a connection that breaks in the middle of an answer comes back and the answer is whole, once', () =>
    withPage(world.browser, { hosts: [world.origin] }, async (page) => {
      let links = 0;
      await page.routeWebSocket(/\/ws\?/, (client) => {
        const server = client.connectToServer();
        links += 1;
        const breaks = links === 1;
        server.onMessage((frame) => {
          client.send(frame);
          if (breaks && JSON.parse(String(frame)).type === 'draft') void client.close({ code: 3000 });
        });
      });
      await page.goto(world.chat);
      const answer = await ask(page, questions.code);
      assert.match(await answer.innerText(), /KX-204-B/);
      assert.ok(links > 1, 'it has connected again');
      assert.equal(await rows(page).count(), 2);
    }));

  test('where sockets do not get through, the answer comes as a stream of events', () =>
    withPage(world.browser, { hosts: [world.origin] }, async (page, watch) => {
      await page.routeWebSocket(/\/ws\?/, (client) => client.close({ code: 3000 }));
      await page.goto(world.chat);
      const answer = await ask(page, questions.code);
      assert.match(await answer.innerText(), /grinder jammed/);
      assert.equal(await rows(page).count(), 2);
      assert.ok(watch.requests.some((url) => url.includes('/events?')));
    }));

  test('a conversation that is ended elsewhere says so and offers a new one', () =>
    open({ size: phone }, async (page) => {
      await ask(page, questions.code);
      await callAsVisitor(page, 'POST', '/end');
      await page.getByText('This conversation has ended.').waitFor();
      await picture(page, 'ended-phone');
      await page.locator('.composer').getByRole('button', { name: 'New conversation' }).click();
      await page.getByText('What can I help you with?').waitFor();
      await page.getByRole('button', { name: 'Your conversations' }).click();
      await page.getByText('Ended').waitFor();
      await picture(page, 'history-phone');
    }));

  test('everything can be done with the keyboard alone', () =>
    open({}, async (page) => {
      await page.keyboard.press('Tab');
      assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the message box');
      await page.keyboard.press('Enter');
      await page.keyboard.type('First line');
      await page.keyboard.press('Shift+Enter');
      await page.keyboard.type(questions.code);
      await page.keyboard.press('Enter');
      await answered(page, 0);
      assert.match((await texts(page))[0], /First line\n/);
      await page.keyboard.press('Shift+Tab');
      for (let step = 0; step < 12; step += 1) {
        if (await page.evaluate(() => document.activeElement.matches('.marker'))) break;
        await page.keyboard.press('Shift+Tab');
      }
      await page.keyboard.press('Enter');
      await shownPassage(page);
      await picture(page, 'keyboard-source');
      await page.keyboard.press('Escape');
      await panel(page).waitFor({ state: 'detached' });
      assert.ok(await page.evaluate(() => document.activeElement.matches('.marker')), 'the focus is back where it was');
    }));

  test('an address without a workspace says so', () =>
    withPage(world.browser, { hosts: [world.origin], size: phone, expects: [/404/] }, async (page) => {
      await page.goto(`${world.origin}/chat/nobody`);
      await page.getByText('There is no chat at this address.').waitFor();
      await picture(page, 'unknown-phone');
    }));
}

/** Calls the API as the visitor of a page does, from outside the page: `path` is below the open conversation. */
async function callAsVisitor(page, method, path, data = {}) {
  const { token, conversation } = await page.evaluate(() => {
    const kept = Object.values(localStorage).map((value) => JSON.parse(value));
    return kept.find((value) => value?.token);
  });
  const url = `${new URL(page.url()).origin}/api/v1/conversations/${conversation}${path}`;
  const options = { method, headers: { authorization: `Bearer ${token}` }, ignoreHTTPSErrors: true };
  const response = await page.request.fetch(url, method === 'GET' ? options : { ...options, data });
  assert.ok(response.ok(), `${method} ${path}: ${response.status()}`);
  return response.json();
}

/** Asks in the same conversation from another device, and waits for the answer to be stored. */
async function sayElsewhere(world, page, text) {
  const { seq, id } = await callAsVisitor(page, 'POST', '/messages', { text });
  for (let items = []; !items.some((message) => message.reply_to === id); ) {
    ({ items } = await callAsVisitor(page, 'GET', `/messages?after_seq=${seq}`));
  }
}
