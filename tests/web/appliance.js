/**
 * The real appliance, started as a stranger would: `frontdesk demo` on a new data directory, its addresses read from what it prints.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** `FRONTDESK_` begins the names of the appliance's own settings: none of ours may reach it. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FRONTDESK_')));

const program = process.env.FRONTDESK_BIN ?? fileURLToPath(new URL('../../target/debug/frontdesk', import.meta.url));

/** An unoptimised build reads the demo's documents in this time on a slow machine. */
const STARTING_MAX_MS = 180_000;

/**
 * Starts the demo; `origin`, `chat` and `setup` are the addresses that it printed. With a settings file of its own, and with other
 * documents (text by name) than the demo's, where those are given.
 */
export async function startAppliance({ settings = '', documents = null } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'frontdesk-web-'));
  const config = join(directory, 'appliance.toml');
  await writeFile(config, settings);
  const demo = ['demo', '--listen', '127.0.0.1:0', '--data-dir', join(directory, 'data'), '--config', config];
  // The walks sign in more often than people do, all from one address.
  demo.push('--set', 'limits.sign_ins_per_minute_per_address=1000');
  if (documents) {
    const folder = join(directory, 'documents');
    await mkdir(folder);
    await Promise.all(Object.entries(documents).map(([name, text]) => writeFile(join(folder, name), text)));
    demo.push('--knowledge', folder);
  }
  const child = spawn(program, demo, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGINT');
    await ended.catch(() => undefined);
    await rm(directory, { recursive: true, force: true });
  };
  const timer = setTimeout(() => child.kill('SIGKILL'), STARTING_MAX_MS);
  const addresses = { origin: '', chat: '', setup: '' };
  try {
    const failed = once(child, 'error').then(([error]) => Promise.reject(error));
    failed.catch(() => undefined);
    await Promise.race([failed, readAddresses(child.stdout, addresses)]);
  } finally {
    clearTimeout(timer);
  }
  if (!addresses.chat || !addresses.setup) {
    await stop();
    throw new Error(`${program} ended before it had printed where the chat and the setup are`);
  }
  return { ...addresses, stop };
}

/** Reads until the last address is printed, then lets the rest flow away. */
async function readAddresses(stdout, addresses) {
  const lines = createInterface({ input: stdout });
  const signs = [
    [/^Frontdesk is running at (https:\S+)/, 'origin'],
    [/^Set it up, .*?(https:\S+#token=\S+)/, 'setup'],
    [/^Chat:\s+(https:\S+)/, 'chat'],
  ];
  for await (const line of lines) {
    for (const [sign, name] of signs) addresses[name] ||= sign.exec(line)?.[1] ?? '';
    if (line.startsWith('Press Ctrl-C')) break;
  }
  stdout.resume();
}
