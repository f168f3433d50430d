/**
 * Fetches a file and hands it to the browser's downloads, where a plain link cannot be used because the call must say
 * which workspace it is about.
 */
import { ApiError, NetworkError } from '../../api/client';
import type { Problem } from '../../api/types';
import { desk } from '../desk.svelte';
import { nameIn } from './disposition';

/** `progress` is told how many bytes are there so far. */
export async function saveFile(path: string, fallbackName: string, progress: (bytes: number) => void = () => undefined): Promise<void> {
  const response = await fetch(path, { headers: desk.headers, credentials: 'same-origin', cache: 'no-store' }).catch((cause: unknown) => {
    throw new NetworkError('The server could not be reached.', { cause });
  });
  if (!response.ok) throw new ApiError(response.status, ((await response.json().catch(() => ({}))) as Partial<Problem>) ?? {}, null);
  let bytes = 0;
  const counted = response.body?.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, out) {
        bytes += piece.byteLength;
        progress(bytes);
        out.enqueue(piece);
      },
    }),
  );
  // The browser keeps a large blob on disk, not in memory.
  const blob = await new Response(counted ?? null).blob().catch((cause: unknown) => {
    throw new NetworkError('The answer was cut off.', { cause });
  });
  offer(blob, nameIn(response.headers.get('content-disposition')) ?? fallbackName);
}

/** Puts a text among the downloads. */
export function saveText(content: string, name: string, mediaType = 'text/plain'): void {
  offer(new Blob([content], { type: mediaType }), name);
}

function offer(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Some browsers read the address a moment after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
