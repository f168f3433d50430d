/**
 * Makes one colour that a workspace chose usable everywhere: text on it, and it as text on light and on dark ground, each with
 * the contrast that WCAG 2.2 asks of text (4.5 to 1).
 */

type Rgb = readonly [number, number, number];

export interface AccentColours {
  accent: string;
  /** Text and icons on the accent. */
  onAccent: string;
  /** The accent as text on light surfaces. */
  inkLight: string;
  /** The accent as text on dark surfaces. */
  inkDark: string;
}

const CONTRAST_MIN = 4.5;
const white: Rgb = [255, 255, 255];
const black: Rgb = [0, 0, 0];
/** The darkest light surface and the lightest dark surface that accent text stands on (see `tokens.css`). */
const lightGround: Rgb = [236, 236, 232];
const darkGround: Rgb = [44, 47, 53];
const fallback: Rgb = [52, 81, 209];

export function accentColours(hex: string): AccentColours {
  const accent = parse(hex) ?? fallback;
  const onAccent = contrast(white, accent) >= CONTRAST_MIN || contrast(white, accent) >= contrast(black, accent) ? white : black;
  return {
    accent: format(accent),
    onAccent: format(onAccent),
    inkLight: format(towards(accent, black, lightGround)),
    inkDark: format(towards(accent, white, darkGround)),
  };
}

/** Sets the accent on an element through the style object, which a content security policy allows. */
export function applyAccent(element: HTMLElement, hex: string): void {
  const colours = accentColours(hex);
  element.style.setProperty('--accent', colours.accent);
  element.style.setProperty('--on-accent', colours.onAccent);
  element.style.setProperty('--accent-ink-light', colours.inkLight);
  element.style.setProperty('--accent-ink-dark', colours.inkDark);
}

/** Contrast ratio by WCAG 2.2, from 1 to 21. */
export function contrastOf(first: string, second: string): number {
  return contrast(parse(first) ?? white, parse(second) ?? white);
}

function towards(colour: Rgb, goal: Rgb, ground: Rgb): Rgb {
  for (let share = 0; share < 1; share += 0.04) {
    const mixed = mix(colour, goal, share);
    if (contrast(mixed, ground) >= CONTRAST_MIN) return mixed;
  }
  return goal;
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const channel = (index: 0 | 1 | 2) => Math.round(from[index] + (to[index] - from[index]) * share);
  return [channel(0), channel(1), channel(2)];
}

function contrast(first: Rgb, second: Rgb): number {
  const [a, b] = [luminance(first), luminance(second)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance([red, green, blue]: Rgb): number {
  const linear = (value: number) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function parse(hex: string): Rgb | null {
  const found = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex.trim());
  if (!found) return null;
  const channel = (index: number) => Number.parseInt(found[index] ?? '0', 16);
  return [channel(1), channel(2), channel(3)];
}

function format(colour: Rgb): string {
  return `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
