/**
 * Debian's Chromium, and pages that are watched: whatever is logged as an error, breaks a content security policy or asks
 * another host fails the test at its end.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const phone = { width: 390, height: 844 };
export const desktop = { width: 1280, height: 800 };

/** Pictures of what the tests see are kept in this directory, if it is given. */
const pictures = process.env.PICTURES;

/** One browser for all tests; every test has a context of its own in it. */
export async function startBrowser() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const home = await mkdtemp(join(tmpdir(), 'frontdesk-chromium-'));
  // Chromium keeps its crash reports and settings below these, whatever its profile is.
  const env = { ...process.env, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home };
  const browser = await chromium.launch({ executablePath, args: flags, env });
  const close = async () => {
    await browser.close();
    await rm(home, { recursive: true, force: true });
  };
  return { browser, close };
}

/**
 * Opens a page for one test and closes it after. `hosts` are the origins it may ask; `expects` are patterns of console errors
 * that the test causes itself.
 */
export async function withPage(browser, { hosts, size = desktop, colorScheme = 'light', expects = [], ...more }, test) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: size, colorScheme, locale: 'en-GB', reducedMotion: 'no-preference', ...more });
  context.setDefaultTimeout(20_000);
  const watch = { requests: [], errors: [], violations: [], hosts, expects };
  await context.exposeBinding('__violation', (_, violation) => watch.violations.push(violation));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.__violation(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  context.on('page', (page) => observe(page, watch));
  try {
    const page = await context.newPage();
    await test(page, watch);
    assert.deepEqual(watch.errors, [], 'errors in the console');
    assert.deepEqual(watch.violations, [], 'violations of the content security policy');
    assert.deepEqual(foreign(watch), [], 'requests to other hosts');
  } finally {
    await context.close();
  }
}

function observe(page, watch) {
  const error = (text) => watch.expects.some((pattern) => pattern.test(text)) || watch.errors.push(text);
  page.on('request', (request) => watch.requests.push(request.url()));
  page.on('websocket', (socket) => watch.requests.push(socket.url()));
  page.on('pageerror', (thrown) => error(String(thrown)));
  page.on('console', (line) => ['error', 'warning'].includes(line.type()) && error(`${line.text()} (${line.location().url})`));
}

function foreign({ requests, hosts }) {
  const known = new Set(hosts.map((origin) => new URL(origin).host));
  return requests.filter((url) => /^(https?|wss?):/.test(url) && !known.has(new URL(url).host));
}

/** Keeps a picture, where pictures are wanted. */
export async function picture(page, name) {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ animations: 'disabled', path: join(pictures, `${name}.png`) });
}
