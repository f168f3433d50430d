/**
 * Reads server-sent events from a fetched body (`EventSource` cannot send an authorization header). Only `data` matters:
 * each event carries a whole frame. Follows the parsing rules of the HTML standard, section 9.2.6.
 */

/** Collects text as it arrives and gives the data of each event that is complete. */
export class EventParser {
  #rest = '';
  #data: string[] = [];

  /** The data of the events that `text` completes, in order. */
  push(text: string): string[] {
    const events: string[] = [];
    this.#rest += text;
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(this.#rest);
      if (!end) return events;
      const line = this.#rest.slice(0, end.index);
      this.#rest = this.#rest.slice(end.index + end[0].length);
      if (line === '') {
        if (this.#data.length > 0) events.push(this.#data.join('\n'));
        this.#data = [];
      } else if (line === 'data' || line.startsWith('data:')) {
        this.#data.push(line.slice(5).replace(/^ /, ''));
      }
    }
  }
}
