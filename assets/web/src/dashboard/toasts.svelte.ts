/**
 * Short notes at the foot of the page, one of which may offer to take a step back.
 */

export interface Toast {
  id: number;
  text: string;
  action: { label: string; run: () => void } | null;
}

const SHOWN_MS = 7_000;

class Toasts {
  shown = $state.raw<Toast[]>([]);
  #last = 0;

  /** Shows a note for a while; `gone` is called when it leaves without its action having been taken. */
  add(text: string, action: Toast['action'] = null, gone: () => void = () => undefined): void {
    this.#last += 1;
    const id = this.#last;
    const timer = setTimeout(() => {
      this.#remove(id);
      gone();
    }, SHOWN_MS);
    const taken = action && {
      label: action.label,
      run: () => {
        clearTimeout(timer);
        this.#remove(id);
        action.run();
      },
    };
    this.shown = [...this.shown, { id, text, action: taken }];
  }

  #remove(id: number): void {
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
