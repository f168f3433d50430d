/**
 * The browser tests, all against one running appliance and one browser. `FRONTDESK_BIN` is the program to test, `CHROMIUM` the
 * browser, `PICTURES` a directory for pictures of what was seen.
 */
import { after, before, suite } from 'node:test';

import { accountTests } from './account.js';
import { startAppliance } from './appliance.js';
import { startBrowser } from './browser.js';
import { chatPageTests } from './chat_page.js';
import { dashboardTests } from './dashboard.js';
import { memberTests } from './members.js';
import { operatorTests } from './operator.js';
import { pictureTests } from './pictures.js';
import { widgetTests } from './widget.js';

/** Filled before the first test runs. */
const world = {};
const closing = [];

before(async () => {
  const appliance = await startAppliance();
  closing.push(appliance.stop);
  const { browser, close } = await startBrowser();
  closing.push(close);
  Object.assign(world, appliance, { browser });
});

after(() => Promise.all(closing.map((close) => close())));

suite('chat page', () => chatPageTests(world));
suite('widget', () => widgetTests(world));
suite('pictures', () => pictureTests(world));
suite('dashboard', () => dashboardTests(world));
// These go on where the dashboard's tests have set the appliance up.
suite('account', () => accountTests(world));
suite('members', () => memberTests(world));
suite('operator', () => operatorTests(world));
