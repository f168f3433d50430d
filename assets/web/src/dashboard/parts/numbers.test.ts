import { describe, expect, it } from 'vitest';
import { typedOf, wishOf } from '../appliance/quota_wish';
import { nameIn } from './disposition';
import { moneyOf, pressureOf, sizeOf } from './numbers';

describe('numbers', () => {
  it('write sizes in the unit that fits', () => {
    expect([0, 999, 1_000, 1_234_567, 5e9, 2.5e12].map((bytes) => sizeOf('en', bytes))).toEqual(['0 bytes', '999 bytes', '1 kB', '1.2 MB', '5 GB', '2.5 TB']);
  });

  it('write small amounts of money so that they are not nothing', () => {
    expect([0, 1_200, 23_912_345].map((micros) => moneyOf('en', micros))).toEqual(['$0.00', '$0.0012', '$23.91']);
  });

  it('tell how near a limit is', () => {
    expect([0, 79, 80, 99, 100, 200].map((used) => pressureOf(used, 100))).toEqual(['calm', 'calm', 'near', 'near', 'full', 'full']);
    expect(pressureOf(1e12, null)).toBe('calm');
    expect(pressureOf(0, 0)).toBe('full');
  });
});

describe('a quota', () => {
  it('is typed and sent so that it comes back the same', () => {
    expect([wishOf('members', ' 25 '), wishOf('members', ''), wishOf('members', '0')]).toEqual([25, null, 0]);
    expect(wishOf('storage_bytes', '2,5')).toBe(2_500_000_000);
    expect(typedOf('storage_bytes', 2_500_000_000)).toBe('2.5');
    expect([typedOf('members', null), typedOf('members', 0)]).toEqual(['', '0']);
  });

  it('that is no amount is not sent', () => {
    for (const typed of ['-1', 'many', '2.5', 'Infinity', '1e999']) expect(wishOf('members', typed)).toBeUndefined();
  });
});

describe('a download', () => {
  it('has the name that the server gives it', () => {
    expect(nameIn('attachment; filename="riverside-2026-11-23.frontdesk-workspace"')).toBe('riverside-2026-11-23.frontdesk-workspace');
    expect(nameIn('attachment; filename=audit.ndjson')).toBe('audit.ndjson');
    expect([nameIn(null), nameIn('attachment')]).toEqual([null, null]);
  });
});
