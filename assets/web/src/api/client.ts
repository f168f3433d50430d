/**
 * One way to call the API: JSON in and out, problems and lost networks as two typed errors.
 *
 * The page decides how it signs its calls: visitors by a bearer token and without cookies, members by the session cookie.
 */
import type { FieldError, Problem } from './types';

/** The server answered with a problem document. `message` is a sentence to show. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly fields: FieldError[];
  /** How long the server asks to wait; null when it does not say. */
  readonly retryAfterMs: number | null;

  constructor(status: number, problem: Partial<Problem>, retryAfterMs: number | null) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? 'unknown';
    this.requestId = problem.request_id ?? null;
    this.fields = problem.errors ?? [];
    this.retryAfterMs = retryAfterMs;
  }
}

/** The server could not be reached, or its answer was cut off. */
export class NetworkError extends Error {}

export interface CallOptions {
  body?: unknown;
  /** Makes a repeated creating call safe: the same key gives the same answer. */
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** Lets the call outlive the page. */
  keepalive?: boolean;
}

export interface UploadOptions {
  idempotencyKey: string;
  /** Told the share that is sent, from 0 to 1. */
  progress: (share: number) => void;
  signal: AbortSignal;
}

export interface ClientSettings {
  /** Origin of the server, or '' for the page's own. */
  base: string;
  credentials: RequestCredentials;
  /** Headers that sign each call. */
  headers: () => Record<string, string>;
}

export class Client {
  readonly #settings: ClientSettings;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
  }

  get base(): string {
    return this.#settings.base;
  }

  get<Answer>(path: string, options: CallOptions = {}): Promise<Answer> {
    return this.call('GET', path, options);
  }

  post<Answer>(path: string, body: unknown, options: CallOptions = {}): Promise<Answer> {
    return this.call('POST', path, { ...options, body });
  }

  patch<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.call('PATCH', path, { body });
  }

  async delete(path: string, options: CallOptions = {}): Promise<void> {
    await this.call('DELETE', path, options);
  }

  /** Calls and reads the JSON answer; an empty answer is `null`. */
  async call<Answer>(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const headers: Record<string, string> = { accept: 'application/json', ...this.#settings.headers() };
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    if (options.idempotencyKey) headers['idempotency-key'] = options.idempotencyKey;
    const response = await this.#fetch(path, {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ?? null,
      keepalive: options.keepalive ?? false,
    });
    try {
      const text = await response.text();
      return (text ? JSON.parse(text) : null) as Answer;
    } catch (cause) {
      throw new NetworkError('The answer was cut off.', { cause });
    }
  }

  /** Fetches bytes. */
  async blob(path: string): Promise<Blob> {
    const response = await this.#fetch(path, { headers: this.#settings.headers() });
    try {
      return await response.blob();
    } catch (cause) {
      throw new NetworkError('The answer was cut off.', { cause });
    }
  }

  /** Sends bytes as they are. `fetch` cannot tell how much of a body is sent; the older interface can. */
  upload<Answer>(path: string, body: Blob, options: UploadOptions): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', this.#settings.base + path);
      request.withCredentials = this.#settings.credentials === 'include';
      const headers = { ...this.#settings.headers(), 'content-type': 'application/octet-stream', 'idempotency-key': options.idempotencyKey };
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = ({ loaded, total }) => options.progress(total > 0 ? loaded / total : 0);
      request.onload = () => {
        const answer = parsed(request.responseText);
        if (request.status >= 200 && request.status < 300) resolve(answer as Answer);
        else reject(new ApiError(request.status, (answer ?? {}) as Partial<Problem>, milliseconds(request.getResponseHeader('retry-after'))));
      };
      request.onerror = () => reject(new NetworkError('The server could not be reached.'));
      request.onabort = () => reject(new NetworkError('It was given up.'));
      options.signal.addEventListener('abort', () => request.abort());
      request.send(body);
    });
  }

  /** Opens a stream of server-sent events; the caller reads the body. */
  stream(path: string, signal: AbortSignal): Promise<Response> {
    return this.#fetch(path, { headers: { accept: 'text/event-stream', ...this.#settings.headers() }, signal });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.#settings.base + path, { ...init, credentials: this.#settings.credentials, cache: 'no-store' });
    } catch (cause) {
      throw new NetworkError('The server could not be reached.', { cause });
    }
    if (response.ok) return response;
    throw await problemOf(response);
  }
}

function milliseconds(seconds: string | null): number | null {
  const number = Number(seconds ?? Number.NaN);
  return Number.isFinite(number) ? number * 1000 : null;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  const retryAfterMs = milliseconds(response.headers.get('retry-after'));
  let problem: Partial<Problem> = {};
  try {
    problem = (await response.json()) as Partial<Problem>;
  } catch {
    // Not our body: a proxy answered. The status still tells what to do.
  }
  return new ApiError(response.status, problem, retryAfterMs);
}

/** A fresh key for a creating call or a sent message: 32 hexadecimal digits. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
