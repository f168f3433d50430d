import { after, before, suite } from 'node:test';
import { startAppliance } from './appliance.js';
import { startBrowser } from './browser.js';
import { pictureTests } from './pictures.js';
const world = {};
const closing = [];
before(async () => {
  const appliance = await startAppliance({ documents: { 'a.md': '# A\n\nThe pump is red.\n' } });
  closing.push(appliance.stop);
  const { browser, close } = await startBrowser();
  closing.push(close);
  Object.assign(world, appliance, { browser });
});
after(() => Promise.all(closing.map((close) => close())));
suite('pictures', () => pictureTests(world));
