/**
 * Files on their way to the server: a few at a time, each with its progress. The same name replaces the document; the same
 * bytes change nothing, so trying again is always safe.
 */
import type { Document, Problem } from '../api/types';
import { desk } from './desk.svelte';
import { text } from './words';

export type UploadState = 'waiting' | 'sending' | 'done' | 'failed' | 'cancelled';

export class Upload {
  readonly file: File;
  readonly name: string;
  state = $state<UploadState>('waiting');
  /** Share that is sent, from 0 to 1. */
  sent = $state(0);
  problem = $state('');
  request: XMLHttpRequest | null = null;

  constructor(file: File, name: string) {
    this.file = file;
    this.name = name;
  }
}

const AT_ONCE_MAX = 3;

/** Browsers do not know these by themselves. */
const mediaTypes: Record<string, string> = { md: 'text/markdown', markdown: 'text/markdown', jsonl: 'application/x-ndjson' };

export class Uploads {
  items = $state.raw<Upload[]>([]);
  readonly #arrived: (document: Document) => void;

  constructor(arrived: (document: Document) => void) {
    this.#arrived = arrived;
  }

  get running(): number {
    return this.items.filter(({ state }) => state === 'waiting' || state === 'sending').length;
  }

  add(files: { file: File; name: string }[]): void {
    this.items = [...this.items, ...files.map(({ file, name }) => new Upload(file, name))];
    this.#next();
  }

  cancel(upload: Upload): void {
    upload.state = 'cancelled';
    upload.request?.abort();
    this.#next();
  }

  again(upload: Upload): void {
    upload.state = 'waiting';
    this.#next();
  }

  clear(): void {
    this.items = this.items.filter(({ state }) => state === 'waiting' || state === 'sending');
  }

  #next(): void {
    const sending = this.items.filter(({ state }) => state === 'sending').length;
    const waiting = this.items.filter(({ state }) => state === 'waiting');
    for (const upload of waiting.slice(0, Math.max(0, AT_ONCE_MAX - sending))) this.#send(upload);
  }

  /** `fetch` cannot tell how much of a body is sent; the older interface can. */
  #send(upload: Upload): void {
    const request = new XMLHttpRequest();
    upload.request = request;
    upload.state = 'sending';
    upload.sent = 0;
    const settle = (state: UploadState, problem = '') => {
      if (upload.state === 'sending') {
        upload.state = state;
        upload.problem = problem;
      }
      upload.request = null;
      this.#next();
    };
    request.open('PUT', `/api/v1/documents/by-name/${encodeURIComponent(upload.name)}`);
    request.setRequestHeader('content-type', mediaTypeOf(upload.file));
    for (const [name, value] of Object.entries(desk.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      upload.sent = event.total > 0 ? event.loaded / event.total : 0;
    };
    request.onerror = () => settle('failed', text('error_network'));
    request.onabort = () => settle('cancelled');
    request.onload = () => {
      const answer = parse(request.responseText);
      if (request.status >= 200 && request.status < 300 && answer) {
        this.#arrived(answer as Document);
        settle('done');
      } else {
        settle('failed', (answer as Partial<Problem> | null)?.detail ?? text('error_network'));
      }
    };
    request.send(upload.file);
  }
}

function mediaTypeOf(file: File): string {
  const extension = file.name.split('.').pop()?.toLowerCase() ?? '';
  return mediaTypes[extension] ?? (file.type || 'application/octet-stream');
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

/** The files that were dropped, those in folders too, named by their path from the folder on. */
export async function droppedFiles(transfer: DataTransfer): Promise<{ file: File; name: string }[]> {
  // The list of items is emptied once the event is over, so the entries are taken first.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ file, name: file.name }));
  const found = await Promise.all(entries.map((entry) => filesOf(entry)));
  return found.flat();
}

async function filesOf(entry: FileSystemEntry): Promise<{ file: File; name: string }[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    // Hidden files of the system are nobody's documents.
    return file.name.startsWith('.') ? [] : [{ file, name: entry.fullPath.replace(/^\//, '') }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: { file: File; name: string }[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return files;
    for (const child of batch) files.push(...(await filesOf(child)));
  }
}
