/**
 * The inline part of the light Markdown that answers and documents are written in: strong, emphasis, code, links, and the
 * citation markers `[1]`.
 *
 * Every leaf is a span of the source, so that a passage given by its offsets can be marked in what is shown. Text stays text:
 * nothing here makes HTML.
 */

export type Inline =
  | { kind: 'text'; start: number; end: number }
  | { kind: 'code'; start: number; end: number }
  | { kind: 'strong'; children: Inline[] }
  | { kind: 'emphasis'; children: Inline[] }
  | { kind: 'link'; href: string; children: Inline[] }
  /** A word and the citations right after it, which stay on one line. */
  | { kind: 'together'; children: Inline[] }
  | { kind: 'citation'; number: number; start: number; end: number };

export interface InlineOptions {
  /** The text may still grow: what is open at its end (`**`, `` ` ``) counts as closed there, a half marker is held back. */
  open: boolean;
  /** Reads `[1]` as a citation when this says that there is one. */
  cites: (number: number) => boolean;
  /** Reads `[text](url)` as a link. Addresses written out are links either way. */
  links: boolean;
}

/** Depth of nesting that is read; deeper markers are text. */
const DEPTH_MAX = 6;
/** Code units of a word that stay with the citation after it. */
const WORD_MAX = 24;
/** Code units that emphasis may span; it bounds the search for its end. */
const EMPHASIS_MAX = 1_000;
const address = /https?:\/\/[^\s<>"'`|\\^{}[\]]+/y;
const marker = /\[(\d{1,3}(?:\s?,\s?\d{1,3})*)\]/y;
const link = /\[([^[\]\n]{1,300})\]\(((?:https?:\/\/|mailto:)[^\s()<>]+)\)/y;
const escapable = /[\\`*_[\]#>|~-]/;
/** Characters at which something other than plain text may start. */
const special = /[\\`*_[h]/g;

export function parseInline(source: string, start: number, end: number, options: InlineOptions): Inline[] {
  return new InlineParser(source, options).parse(start, end, 0);
}

class InlineParser {
  readonly #source: string;
  readonly #options: InlineOptions;

  constructor(source: string, options: InlineOptions) {
    this.#source = source;
    this.#options = options;
  }

  parse(start: number, end: number, depth: number): Inline[] {
    const nodes: Inline[] = [];
    let plain = start;
    let at = start;
    while (at < end) {
      special.lastIndex = at;
      const next = special.exec(this.#source);
      if (!next || next.index >= end) break;
      at = next.index;
      const found = this.#at(at, end, depth);
      if (!found) {
        at += 1;
        continue;
      }
      // A marker stands right after its word, whatever was written between.
      const cites = found.nodes[0]?.kind === 'citation';
      const until = cites ? plain + this.#source.slice(plain, at).trimEnd().length : at;
      if (plain < until) nodes.push({ kind: 'text', start: plain, end: until });
      nodes.push(...found.nodes);
      at = found.end;
      plain = at;
    }
    if (plain < end) nodes.push({ kind: 'text', start: plain, end });
    return this.#keepTogether(nodes);
  }

  #keepTogether(nodes: Inline[]): Inline[] {
    const kept: Inline[] = [];
    for (const node of nodes) {
      const before = kept.at(-1);
      if (node.kind === 'citation' && before?.kind === 'together') {
        before.children.push(node);
        continue;
      }
      if (node.kind !== 'citation' || before?.kind !== 'text') {
        kept.push(node);
        continue;
      }
      const word = /\S*$/.exec(this.#source.slice(Math.max(before.start, before.end - WORD_MAX), before.end))?.[0].length ?? 0;
      const from = before.end - word;
      kept.pop();
      if (from > before.start) kept.push({ kind: 'text', start: before.start, end: from });
      const last: Inline[] = word > 0 ? [{ kind: 'text', start: from, end: before.end }] : [];
      kept.push({ kind: 'together', children: [...last, node] });
    }
    return kept;
  }

  #at(at: number, end: number, depth: number): { nodes: Inline[]; end: number } | null {
    switch (this.#source[at]) {
      case '\\':
        return at + 1 < end && escapable.test(this.#source[at + 1] ?? '')
          ? { nodes: [{ kind: 'text', start: at + 1, end: at + 2 }], end: at + 2 }
          : null;
      case '`':
        return this.#code(at, end);
      case '*':
      case '_':
        return depth < DEPTH_MAX ? this.#emphasis(at, end, depth) : null;
      case '[':
        return this.#bracket(at, end, depth);
      default:
        return this.#address(at, end);
    }
  }

  #code(at: number, end: number): { nodes: Inline[]; end: number } | null {
    const ticks = /`+/y;
    ticks.lastIndex = at;
    const fence = ticks.exec(this.#source)?.[0] ?? '`';
    const from = at + fence.length;
    const close = this.#source.indexOf(fence, from);
    if (close >= 0 && close + fence.length <= end && close > from) {
      return { nodes: [{ kind: 'code', start: from, end: close }], end: close + fence.length };
    }
    if (!this.#options.open) return null;
    return from < end ? { nodes: [{ kind: 'code', start: from, end }], end } : { nodes: [], end };
  }

  #emphasis(at: number, end: number, depth: number): { nodes: Inline[]; end: number } | null {
    const sign = this.#source[at] ?? '*';
    const strong = this.#source[at + 1] === sign && at + 1 < end;
    const fence = strong ? sign + sign : sign;
    const from = at + fence.length;
    if (sign === '_' && isWord(this.#source[at - 1])) return null;
    const growing = this.#options.open && from >= end;
    if (growing) return { nodes: [], end };
    if (isSpace(this.#source[from])) return null;
    const close = this.#closing(fence, from, end);
    const kind = strong ? 'strong' : 'emphasis';
    if (close !== null) {
      return { nodes: [{ kind, children: this.parse(from, close, depth + 1) }], end: close + fence.length };
    }
    if (!this.#options.open || !strong) return null;
    // "**bold*": the second closing star is still on its way.
    const until = this.#source[end - 1] === sign ? end - 1 : end;
    return { nodes: [{ kind, children: this.parse(from, until, depth + 1) }], end };
  }

  #closing(fence: string, from: number, end: number): number | null {
    for (let close = this.#source.indexOf(fence, from + 1); close >= 0; close = this.#source.indexOf(fence, close + 1)) {
      const after = close + fence.length;
      if (after > end || close - from > EMPHASIS_MAX) return null;
      if (isSpace(this.#source[close - 1])) continue;
      if (fence.length === 1 && (this.#source[after] === fence || this.#source[close - 1] === fence)) continue;
      if (fence[0] === '_' && isWord(this.#source[after])) continue;
      return close;
    }
    return null;
  }

  #bracket(at: number, end: number, depth: number): { nodes: Inline[]; end: number } | null {
    marker.lastIndex = at;
    const cited = marker.exec(this.#source);
    if (cited?.[1] !== undefined && marker.lastIndex <= end) {
      const numbers = cited[1].split(',').map(Number);
      if (!numbers.every(this.#options.cites)) return null;
      const until = marker.lastIndex;
      return { nodes: numbers.map((number) => ({ kind: 'citation', number, start: at, end: until })), end: until };
    }
    if (this.#options.open && /^\[[\d,\s]*$/.test(this.#source.slice(at, end))) return { nodes: [], end };
    if (!this.#options.links || depth >= DEPTH_MAX) return null;
    link.lastIndex = at;
    const found = link.exec(this.#source);
    if (found?.[1] === undefined || found[2] === undefined || link.lastIndex > end) return null;
    const until = link.lastIndex;
    const children = this.parse(at + 1, at + 1 + found[1].length, DEPTH_MAX);
    return { nodes: [{ kind: 'link', href: found[2], children }], end: until };
  }

  #address(at: number, end: number): { nodes: Inline[]; end: number } | null {
    if (isWord(this.#source[at - 1])) return null;
    address.lastIndex = at;
    const found = address.exec(this.#source);
    if (!found) return null;
    // Punctuation at the end belongs to the sentence, as does a bracket that the address did not open.
    let href = found[0].slice(0, end - at).replace(/[.,;:!?*_]+$/, '');
    if (href.endsWith(')') && !href.includes('(')) href = href.replace(/\)+[.,;:!?]*$/, '');
    const until = at + href.length;
    return { nodes: [{ kind: 'link', href, children: [{ kind: 'text', start: at, end: until }] }], end: until };
  }
}

function isSpace(character: string | undefined): boolean {
  return character === undefined || /\s/.test(character);
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_]/u.test(character);
}
