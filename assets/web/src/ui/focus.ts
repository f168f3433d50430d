/**
 * Keeps the keyboard inside something that covers the rest. Works in a shadow root as in a document.
 */

const focusable = 'a[href], button:not(:disabled), textarea:not(:disabled), input:not(:disabled), select:not(:disabled), [tabindex="0"]';

/** For `keydown` on the covering element: Tab goes round within it. */
export function keepFocus(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  if (event.key !== 'Tab') return;
  const targets = [...event.currentTarget.querySelectorAll<HTMLElement>(focusable)].filter((target) => target.checkVisibility());
  const first = targets[0];
  const last = targets.at(-1);
  if (!first || !last) return;
  const active = (event.currentTarget.getRootNode() as Document | ShadowRoot).activeElement;
  const outside = !event.currentTarget.contains(active) || active === event.currentTarget;
  if (event.shiftKey && (active === first || outside)) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && (active === last || outside)) {
    event.preventDefault();
    first.focus();
  }
}
