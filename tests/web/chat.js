/**
 * What a visitor does with the chat, on its page and in the widget alike: asks, waits for the answer, looks at its sources.
 */
import assert from 'node:assert/strict';

export const questions = {
  code: 'My Juniper shows E-17. What should I do?',
  period: 'How long do I have to return a machine?',
  steps: 'How do I descale the Sorrel?',
  foreign: 'Who won the football world cup in 1998?',
};

export const box = (page) => page.getByRole('textbox', { name: 'Your message' });
/** The rows of the list, the visitor's and the assistant's. */
export const rows = (page) => page.locator('[role=log] article');
export const answers = (page) => page.locator('[role=log] article:not(.own)');
export const panel = (page) => page.locator('[role=dialog][aria-label^="Source "]');

/** Sends a question and waits until the answer to it stands there whole. */
export async function ask(page, question) {
  const before = await answers(page).count();
  await box(page).fill(question);
  await box(page).press('Enter');
  return answered(page, before);
}

/** Waits for the answer after the first `before` ones; a whole answer says where it is from. */
export async function answered(page, before) {
  const answer = answers(page).nth(before);
  await answer.locator('.label').waitFor();
  return answer;
}

/** Opens the first citation of an answer and checks that the cited words are marked and in sight. */
export async function openCitation(page, answer) {
  await answer.locator('button.marker').first().click();
  return shownPassage(page);
}

export async function shownPassage(page) {
  const mark = panel(page).locator('mark.quote').first();
  await mark.waitFor();
  const within = await mark.evaluate((element) => {
    const scroller = element.closest('.scroller').getBoundingClientRect();
    const { top, bottom } = element.getBoundingClientRect();
    return top >= scroller.top && bottom <= scroller.bottom + scroller.height;
  });
  assert.ok(within, 'the marked words are in sight');
  return panel(page);
}

/** The texts of all rows, for comparing what is shown before and after. */
export async function texts(page) {
  return rows(page).locator('.bubble').allInnerTexts();
}

/** Nothing sticks out: the page does not scroll sideways. */
export async function fits(page) {
  const { wide, inner } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, inner: innerWidth }));
  assert.ok(wide <= inner, `the page is ${wide} px wide in a window of ${inner} px`);
}
