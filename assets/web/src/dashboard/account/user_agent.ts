/**
 * Which device a `User-Agent` speaks of, in the few words that a person needs to know it again. Not for deciding anything:
 * programs write there what they like.
 */

export type DeviceKind = 'computer' | 'phone' | 'tablet' | 'program' | 'unknown';

export interface Device {
  kind: DeviceKind;
  /** "Firefox", "curl"; null when it cannot be told. */
  program: string | null;
  /** "Windows", "iPhone"; null when it cannot be told. */
  system: string | null;
}

/** In this order: most browsers also name those that they descend from. */
const browsers: readonly [RegExp, string][] = [
  [/\bEdgA?(?:iOS)?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Headless)?Chrom(?:e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
];

const systems: readonly [RegExp, string, DeviceKind][] = [
  [/\biPad\b/, 'iPad', 'tablet'],
  [/\biPhone\b/, 'iPhone', 'phone'],
  [/\bAndroid\b(?=.*\bMobile\b)/, 'Android', 'phone'],
  [/\bAndroid\b/, 'Android', 'tablet'],
  [/\bCrOS\b/, 'ChromeOS', 'computer'],
  [/\bWindows\b/, 'Windows', 'computer'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS', 'computer'],
  [/\bLinux\b|\bX11\b/, 'Linux', 'computer'],
];

export function deviceOf(userAgent: string | null): Device {
  const agent = userAgent?.trim() ?? '';
  if (agent === '') return { kind: 'unknown', program: null, system: null };
  const system = systems.find(([sign]) => sign.test(agent));
  if (agent.startsWith('Mozilla/')) {
    const browser = browsers.find(([sign]) => sign.test(agent));
    return { kind: system?.[2] ?? 'unknown', program: browser?.[1] ?? null, system: system?.[1] ?? null };
  }
  // What is no browser names itself first: "curl/8.5.0", "python-requests/2.31".
  const program = /^[\w.-]{1,40}/.exec(agent)?.[0] ?? null;
  return { kind: program ? 'program' : 'unknown', program, system: system?.[1] ?? null };
}
