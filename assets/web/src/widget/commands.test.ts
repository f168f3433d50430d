import { describe, expect, it } from 'vitest';
import { Commands } from './commands';

describe('commands', () => {
  it('tells whoever listens, until they stop', () => {
    const commands = new Commands();
    const heard: unknown[] = [];
    const listener = (detail: unknown) => heard.push(detail);
    commands.on('unread', listener);
    commands.tell('unread', { count: 1 });
    commands.off('unread', listener);
    commands.tell('unread', { count: 2 });
    expect(heard).toEqual([{ count: 1 }]);
  });

  it('tells a latecomer that it is ready', () => {
    const commands = new Commands();
    commands.tell('ready');
    let ready = false;
    commands.on('ready', () => {
      ready = true;
    });
    expect(ready).toBe(true);
  });

  it('runs queued commands by name and passes over anything else', () => {
    const commands = new Commands();
    const called: unknown[] = [];
    const target = { open: () => called.push('open'), setTheme: (theme: unknown) => called.push(theme), secret: () => called.push('secret') };
    for (const command of [['open'], ['setTheme', 'dark'], ['secret'], ['constructor'], 'open', null]) commands.run(command, target);
    expect(called).toEqual(['open', 'dark']);
  });
});
