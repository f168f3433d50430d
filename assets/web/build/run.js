/**
 * Builds `dist/`, the directory that the appliance embeds: the two pages, the widget's chat panel, the widget's loader, and
 * beside each file its Brotli and gzip form.
 *
 * Four builds instead of one: the pages have different readers, so that what they would share costs visitors what only the
 * dashboard needs of it; the panel is loaded by pages of other sites (so its parts must find each other relative to itself,
 * and its style must travel inside the script); and the loader must know the panel's hashed name.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

import { precompress } from './precompress.js';
import { styleInScript } from './style_in_script.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = fileURLToPath(new URL('../dist', import.meta.url));

/** Browsers that have `light-dark()`, container queries and constructed style sheets in shadow roots. */
const browsers = ['chrome123', 'edge123', 'firefox120', 'safari17.5'];

const names = {
  entryFileNames: 'assets/[name]-[hash].js',
  chunkFileNames: 'assets/[name]-[hash].js',
  assetFileNames: 'assets/[name]-[hash][extname]',
};

const shared = {
  root,
  configFile: /** @type {const} */ (false),
  logLevel: /** @type {const} */ ('warn'),
};

const output = {
  outDir: dist,
  emptyOutDir: false,
  target: browsers,
  cssTarget: browsers,
  assetsInlineLimit: 0,
};

await rm(dist, { recursive: true, force: true });

for (const page of ['index.html', 'chat.html']) {
  await build({
    ...shared,
    plugins: [svelte()],
    build: {
      ...output,
      modulePreload: { polyfill: false },
      rolldownOptions: { input: `${root}/${page}`, output: names },
    },
  });
}

const panel = await build({
  ...shared,
  base: './',
  plugins: [svelte(), styleInScript()],
  build: {
    ...output,
    modulePreload: false,
    cssCodeSplit: false,
    rolldownOptions: {
      input: { panel: `${root}/src/widget/panel.ts` },
      preserveEntrySignatures: 'strict',
      output: { ...names, format: 'es' },
    },
  },
});

const panelFile = /** @type {any} */ (panel).output.find((/** @type {any} */ file) => file.isEntry)?.fileName;
if (!panelFile) throw new Error('the panel build made no entry');

await build({
  ...shared,
  define: { PANEL_FILE: JSON.stringify(panelFile) },
  build: {
    ...output,
    rolldownOptions: {
      input: { sdk: `${root}/src/widget/loader.ts` },
      output: { format: 'iife', entryFileNames: '[name].js' },
    },
  },
});

await precompress(dist);
