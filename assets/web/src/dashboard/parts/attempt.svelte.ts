/**
 * One try at something the server may refuse: whether it is under way, what was said about it, and about which field.
 */
import { ApiError } from '../../api/client';
import { desk } from '../desk.svelte';

export class Attempt {
  busy = $state(false);
  problem = $state<string | null>(null);
  #fields = $state.raw<Record<string, string>>({});
  readonly #placed: readonly string[];

  /** `placed` are the fields (JSON pointers) that show beside themselves what the server says about them. */
  constructor(...placed: string[]) {
    this.#placed = placed;
  }

  /** What was said about a field. */
  about(pointer: string): string | undefined {
    return this.#fields[pointer];
  }

  /** Whether it went through. */
  async run(action: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.clear();
    try {
      await action();
      return true;
    } catch (error) {
      if (error instanceof ApiError) this.#fields = Object.fromEntries(error.fields.map((field) => [field.pointer, field.detail]));
      const pointers = Object.keys(this.#fields);
      // A refusal that stands beside its field is not said twice.
      const shown = pointers.length > 0 && pointers.every((pointer) => this.#placed.includes(pointer));
      const sentence = desk.explain(error);
      this.problem = shown ? null : sentence;
      return false;
    } finally {
      this.busy = false;
    }
  }

  clear(): void {
    this.problem = null;
    this.#fields = {};
  }
}
