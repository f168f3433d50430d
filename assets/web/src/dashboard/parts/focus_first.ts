/**
 * The keyboard goes on where the page goes on: in the first field that waits for something, or at the first of the buttons.
 */
export function focusFirst(part: HTMLElement): void {
  const fields = [...part.querySelectorAll<HTMLInputElement | HTMLSelectElement>('input:not(.unseen, [readonly], :disabled), input[type=file]:not(:disabled), select:not(:disabled)')];
  const empty = fields.find((field) => field instanceof HTMLInputElement && field.type !== 'checkbox' && field.type !== 'radio' && field.value === '');
  (empty ?? fields[0] ?? part.querySelector<HTMLElement>('.button:not(:disabled)'))?.focus();
}
