/**
 * A device in words: "Firefox on Windows".
 */
import { text } from '../words';
import { deviceOf } from './user_agent';

export function deviceWords(userAgent: string | null): string {
  const { program, system } = deviceOf(userAgent);
  if (program && system) return text('device_on', { program, system });
  return program ?? system ?? text('device_unknown');
}
