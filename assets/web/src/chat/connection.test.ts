import { describe, expect, it } from 'vitest';
import type { ClientFrame, Message, ServerFrame } from '../api/types';
import { Connection, type Link, type LinkEvents, type Status } from './connection';
import { EventParser } from './event_stream';

interface Opened {
  kind: 'socket' | 'stream';
  afterSeq: number;
  events: LinkEvents;
  sent: ClientFrame[];
  closed: boolean;
}

/** A world without time: timers run when the test says so. */
function arrange() {
  const opened: Opened[] = [];
  const timers: { ms: number; call: () => void }[] = [];
  const statuses: Status[] = [];
  const frames: ServerFrame[] = [];
  const refusals: string[] = [];
  const state = { online: true };
  const open = (kind: Opened['kind']) => (afterSeq: number, events: LinkEvents): Link => {
    const entry: Opened = { kind, afterSeq, events, sent: [], closed: false };
    opened.push(entry);
    return {
      send: (frame) => kind === 'socket' && entry.sent.push(frame) > 0,
      close: () => {
        entry.closed = true;
      },
    };
  };
  const connection = new Connection(
    {
      socket: open('socket'),
      stream: open('stream'),
      after: (ms, call) => {
        const timer = { ms, call };
        timers.push(timer);
        return () => void (timers.includes(timer) && timers.splice(timers.indexOf(timer), 1));
      },
      random: () => 0.5,
      online: () => state.online,
    },
    { status: (status) => statuses.push(status), frame: (frame) => frames.push(frame), refused: (reason) => refusals.push(reason) },
  );
  const last = () => opened.at(-1) as Opened;
  /** Runs the pause before the next attempt and gives its length. */
  const pass = () => {
    const timer = timers.pop();
    timer?.call();
    return timer?.ms;
  };
  return { connection, opened, timers, statuses, frames, refusals, state, last, pass };
}

const chat = (seq: number): ServerFrame => ({ type: 'chat_message', id: null, seq, payload: { seq } as Message });

describe('connection', () => {
  it('resumes after the last message it saw', () => {
    const { connection, last, pass } = arrange();
    connection.start(4);
    expect(last().afterSeq).toBe(4);
    last().events.opened();
    last().events.frame(chat(5));
    last().events.frame(chat(6));
    last().events.lost();
    pass();
    expect(last().afterSeq).toBe(6);
  });

  it('does not resume after an acknowledgement, which may overtake a message', () => {
    const { connection, last, pass } = arrange();
    connection.start(4);
    last().events.opened();
    last().events.frame({ type: 'ack', id: 'key', seq: 6, payload: { message: { seq: 6 } as Message } });
    last().events.lost();
    pass();
    expect(last().afterSeq).toBe(4);
  });

  it('waits longer after each failure, up to a bound, and briefly again after a success', () => {
    const { connection, last, pass } = arrange();
    connection.start(0);
    const pauses = Array.from({ length: 8 }, () => {
      last().events.lost();
      return pass() ?? 0;
    });
    expect(pauses.slice(0, 3)).toEqual([375, 750, 1500]);
    expect(pauses.at(-1)).toBe(15_000);
    last().events.opened();
    last().events.lost();
    expect(pass()).toBe(375);
  });

  it('falls back to the stream when sockets cannot open twice', () => {
    const { connection, opened, last, pass } = arrange();
    connection.start(3);
    last().events.lost();
    pass();
    last().events.lost();
    pass();
    expect(opened.map(({ kind }) => kind)).toEqual(['socket', 'socket', 'stream']);
    expect(last().afterSeq).toBe(3);
    last().events.opened();
    expect(connection.send({ type: 'ping', id: null, payload: {} })).toBe(false);
  });

  it('stays with sockets when they open and are lost later', () => {
    const { connection, opened, last, pass } = arrange();
    connection.start(0);
    for (let round = 0; round < 4; round += 1) {
      last().events.opened();
      last().events.lost();
      pass();
    }
    expect(new Set(opened.map(({ kind }) => kind))).toEqual(new Set(['socket']));
  });

  it('ignores what an abandoned attempt still reports', () => {
    const { connection, opened, frames, pass } = arrange();
    connection.start(0);
    opened[0]?.events.opened();
    opened[0]?.events.lost();
    pass();
    opened[0]?.events.frame(chat(9));
    opened[0]?.events.lost();
    expect(frames).toEqual([]);
    expect(connection.cursor).toBe(0);
    expect(opened).toHaveLength(2);
  });

  it('sends only when open', () => {
    const { connection, last } = arrange();
    const frame: ClientFrame = { type: 'chat_message', id: 'key', payload: { text: 'Hi' } };
    connection.start(0);
    expect(connection.send(frame)).toBe(false);
    last().events.opened();
    expect(connection.send(frame)).toBe(true);
    expect(last().sent).toEqual([frame]);
  });

  it('answers a ping with its id', () => {
    const { connection, last, frames } = arrange();
    connection.start(0);
    last().events.opened();
    last().events.frame({ type: 'ping', id: 'p1', payload: {} });
    expect(last().sent).toEqual([{ type: 'pong', id: 'p1', payload: {} }]);
    expect(frames).toEqual([]);
  });

  it('gives a silent link up', () => {
    const { connection, last, timers } = arrange();
    connection.start(0);
    last().events.opened();
    const silent = last();
    timers.at(-1)?.call();
    expect(silent.closed).toBe(true);
    expect(connection.status).toBe('waiting');
  });

  it('tries nothing while offline and at once when the network is back', () => {
    const { connection, opened, state, last, statuses } = arrange();
    connection.start(0);
    last().events.opened();
    state.online = false;
    connection.sleep();
    expect(connection.status).toBe('offline');
    expect(opened).toHaveLength(1);
    state.online = true;
    connection.wake();
    expect(opened).toHaveLength(2);
    expect(statuses).toEqual(['connecting', 'open', 'offline', 'connecting']);
  });

  it('stops for good when it is refused', () => {
    const { connection, opened, last, refusals, timers } = arrange();
    connection.start(0);
    last().events.refused('unauthorized');
    expect(refusals).toEqual(['unauthorized']);
    expect(connection.status).toBe('idle');
    expect(timers).toEqual([]);
    connection.wake();
    expect(opened).toHaveLength(1);
  });
});

describe('event stream', () => {
  it('gives each complete event, however the bytes are cut', () => {
    const source = ': hello\n\nevent: draft\nid: 4\ndata: {"a":1}\n\ndata: one\r\ndata: two\r\n\r\n';
    for (let size = 1; size <= source.length; size += 1) {
      const parser = new EventParser();
      const events: string[] = [];
      for (let at = 0; at < source.length; at += size) events.push(...parser.push(source.slice(at, at + size)));
      expect(events).toEqual(['{"a":1}', 'one\ntwo']);
    }
  });
});
