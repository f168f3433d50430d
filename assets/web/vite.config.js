/**
 * The development server and the unit tests. The four builds that make `dist/` are in `build/run.js`.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  server: { proxy: { '/api': 'https://localhost:8443', '/ws': { target: 'wss://localhost:8443', ws: true } } },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
