/**
 * The real sockets, streams and timers behind `Connection`, for a visitor's conversation.
 */
import { ApiError, type Client } from '../api/client';
import type { ServerFrame } from '../api/types';
import type { Link, LinkEvents, World } from './connection';
import { EventParser } from './event_stream';

/** Close code for a sign-in that is bad or has expired (RFC 6455, policy violation). */
const CLOSE_UNAUTHORIZED = 1008;

export function browserWorld(client: Client, conversation: string, token: () => string): World {
  return {
    socket: (afterSeq, events) => openSocket(client.base, conversation, token(), afterSeq, events),
    stream: (afterSeq, events) => openStream(client, conversation, afterSeq, events),
    after: (ms, call) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    random: Math.random,
    online: () => navigator.onLine,
  };
}

function openSocket(base: string, conversation: string, token: string, afterSeq: number, events: LinkEvents): Link {
  const url = new URL('/ws', base || location.origin);
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
  url.search = new URLSearchParams({ conversationId: conversation, afterSeq: String(afterSeq) }).toString();
  let socket: WebSocket;
  try {
    socket = new WebSocket(url, ['frontdesk.v1', `bearer.${token}`]);
  } catch {
    // A content security policy can forbid the address outright; that is a failure like any other.
    queueMicrotask(() => events.lost());
    return { send: () => false, close: () => undefined };
  }
  socket.onopen = () => events.opened();
  socket.onmessage = (event) => {
    const frame = parseFrame(event.data);
    if (frame) events.frame(frame);
    else events.heard();
  };
  socket.onclose = (event) => (event.code === CLOSE_UNAUTHORIZED ? events.refused('unauthorized') : events.lost());
  return {
    send: (frame) => {
      if (socket.readyState !== WebSocket.OPEN) return false;
      socket.send(JSON.stringify(frame));
      return true;
    },
    close: () => socket.close(1000),
  };
}

function openStream(client: Client, conversation: string, afterSeq: number, events: LinkEvents): Link {
  const abort = new AbortController();
  void readStream(client, conversation, afterSeq, events, abort.signal);
  return { send: () => false, close: () => abort.abort() };
}

async function readStream(client: Client, conversation: string, afterSeq: number, events: LinkEvents, signal: AbortSignal) {
  try {
    const response = await client.stream(`/api/v1/conversations/${conversation}/events?after_seq=${afterSeq}`, signal);
    events.opened();
    const parser = new EventParser();
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    while (reader) {
      const { done, value } = await reader.read();
      if (done) break;
      events.heard();
      for (const data of parser.push(value)) {
        const frame = parseFrame(data);
        if (frame) events.frame(frame);
      }
    }
    events.lost();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) events.refused('unauthorized');
    else if (error instanceof ApiError && error.status === 404) events.refused('missing');
    else events.lost();
  }
}

function parseFrame(data: unknown): ServerFrame | null {
  try {
    const frame: unknown = JSON.parse(String(data));
    const known = typeof frame === 'object' && frame !== null && typeof (frame as ServerFrame).type === 'string';
    return known ? (frame as ServerFrame) : null;
  } catch {
    return null;
  }
}
