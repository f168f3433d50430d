import { describe, expect, it } from 'vitest';
import { accentColours, contrastOf } from './accent';

const colours = ['#3451d1', '#0f766e', '#ffd400', '#ffffff', '#000000', '#ff3b30', '#777777', '#00ff88', '#e0457b'];

describe('accent', () => {
  it.each(colours)('%s is readable as a ground and as text on light and dark', (hex) => {
    const { accent, onAccent, inkLight, inkDark } = accentColours(hex);
    expect(contrastOf(accent, onAccent)).toBeGreaterThanOrEqual(4.5);
    expect(contrastOf(inkLight, '#f1f1ee')).toBeGreaterThanOrEqual(4.5);
    expect(contrastOf(inkDark, '#24262b')).toBeGreaterThanOrEqual(4.5);
  });

  it('takes a default for what is not a colour', () => {
    expect(accentColours('red; } body {').accent).toBe('#3451d1');
  });
});
