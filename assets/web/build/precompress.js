/**
 * Writes `name.br` and `name.gz` beside each file of a directory, and `manifest.json`, which tells the server for each file
 * its media type, its hash (an entity tag) and whether its name already contains a hash, so that it never changes.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** @type {Record<string, string>} */
const mediaTypes = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** @param {string} directory */
export async function precompress(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  /** @type {Record<string, object>} */
  const files = {};
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = relative(directory, path).replaceAll('\\', '/');
    const bytes = await readFile(path);
    const brotli = brotliCompressSync(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    });
    const gzip = gzipSync(bytes, { level: 9 });
    await writeFile(`${path}.br`, brotli);
    await writeFile(`${path}.gz`, gzip);
    files[name] = {
      media_type: mediaTypes[extname(name)] ?? 'application/octet-stream',
      sha256: createHash('sha256').update(bytes).digest('hex'),
      immutable: name.startsWith('assets/'),
      bytes: bytes.length,
      brotli_bytes: brotli.length,
      gzip_bytes: gzip.length,
    };
  }
  const ordered = Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(join(directory, 'manifest.json'), `${JSON.stringify({ files: ordered }, null, 2)}\n`);
}
