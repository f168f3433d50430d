/**
 * The block part of the light Markdown: paragraphs, headings, lists, quotes, fenced code and pipe tables.
 *
 * A line-by-line reader without backtracking: time is linear in the text, whatever the text. Blocks keep where they start and
 * end in the source, and inline leaves are spans of it (see `inline.ts`).
 */
import { type Inline, type InlineOptions, parseInline } from './inline';

export interface Line {
  start: number;
  end: number;
}

export type Block = { start: number; end: number } & (
  | { kind: 'paragraph'; lines: Inline[][] }
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'list'; ordered: boolean; first: number; items: Item[] }
  | { kind: 'quote'; lines: Inline[][] }
  | { kind: 'code'; lines: Line[] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }
);

export interface Item {
  /** 0 for the outermost; deeper items are indented. */
  depth: number;
  lines: Inline[][];
}

const heading = /^ {0,3}(#{1,6})\s+(.*?)(?:\s+#+)?\s*$/;
const bullet = /^(\s*)(?:[-*+•]|(\d{1,9})[.)])\s+(?=\S)/;
const openBullet = /^\s*(?:[-*+•]|\d{1,3}[.)]?)\s*$/;
const quote = /^ {0,3}> ?/;
const fence = /^ {0,3}(`{3,}|~{3,})/;
const rule = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const tableRow = /^\s*\|.*\|\s*$/;
const tableRule = /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/;

export function parseMarkdown(source: string, options: InlineOptions): Block[] {
  return new BlockParser(source, options).parse();
}

class BlockParser {
  readonly #source: string;
  readonly #options: InlineOptions;
  readonly #lines: Line[] = [];
  readonly #blocks: Block[] = [];
  #at = 0;

  constructor(source: string, options: InlineOptions) {
    this.#source = source;
    this.#options = options;
    for (let start = 0; start <= source.length; ) {
      const newline = source.indexOf('\n', start);
      const next = newline < 0 ? source.length : newline;
      const end = source[next - 1] === '\r' && next > start ? next - 1 : next;
      this.#lines.push({ start, end });
      start = next + 1;
    }
  }

  parse(): Block[] {
    for (let line = this.#peek(); line; line = this.#peek()) {
      const text = this.#text(line);
      if (text.trim() === '') this.#at += 1;
      else if (this.#holdsBack(line, text)) this.#at += 1;
      else if (fence.test(text)) this.#code();
      else if (heading.test(text)) this.#heading(line, text);
      else if (rule.test(text)) this.#rule(line);
      else if (quote.test(text)) this.#quote();
      else if (bullet.test(text)) this.#list();
      else if (tableRow.test(text) && this.#isTable()) this.#table();
      else this.#paragraph();
    }
    return this.#blocks;
  }

  /** A growing text may end in the sign of a list item whose words are still to come. */
  #holdsBack(line: Line, text: string): boolean {
    return this.#options.open && line.end === this.#source.length && openBullet.test(text);
  }

  #peek(): Line | undefined {
    return this.#lines[this.#at];
  }

  #text(line: Line): string {
    return this.#source.slice(line.start, line.end);
  }

  #inline(start: number, end: number): Inline[] {
    // Only the end of the whole text is still growing.
    const open = this.#options.open && end === this.#source.length;
    return parseInline(this.#source, start, end, { ...this.#options, open });
  }

  #heading(line: Line, text: string): void {
    const found = heading.exec(text);
    const start = line.start + text.indexOf(found?.[2] ?? '', found?.[1]?.length ?? 0);
    const children = this.#inline(start, start + (found?.[2]?.length ?? 0));
    this.#blocks.push({ kind: 'heading', level: found?.[1]?.length ?? 1, children, ...line });
    this.#at += 1;
  }

  #rule(line: Line): void {
    this.#at += 1;
    // While the text grows, "--" or "***" may yet become a list or strong text.
    if (!(this.#options.open && line.end === this.#source.length)) this.#blocks.push({ kind: 'rule', ...line });
  }

  #quote(): void {
    const lines: Inline[][] = [];
    const start = this.#peek()?.start ?? 0;
    let end = start;
    for (let line = this.#peek(); line && quote.test(this.#text(line)); line = this.#peek()) {
      const skip = quote.exec(this.#text(line))?.[0].length ?? 0;
      lines.push(this.#inline(line.start + skip, line.end));
      end = line.end;
      this.#at += 1;
    }
    this.#blocks.push({ kind: 'quote', lines, start, end });
  }

  #list(): void {
    const first = this.#peek() ?? { start: 0, end: 0 };
    const ordered = bullet.exec(this.#text(first))?.[2];
    const items: Item[] = [];
    let end = first.end;
    for (let line = this.#peek(); line; line = this.#peek()) {
      const text = this.#text(line);
      const found = bullet.exec(text);
      if (found) {
        const indent = found[1]?.length ?? 0;
        const kindChanges = indent < 2 && (found[2] !== undefined) !== (ordered !== undefined);
        if (kindChanges || rule.test(text)) break;
        const depth = Math.min(3, Math.floor(indent / 2));
        items.push({ depth, lines: [this.#inline(line.start + found[0].length, line.end)] });
      } else if (this.#holdsBack(line, text)) {
        break;
      } else if (/^\s{2,}\S/.test(text)) {
        const skip = text.length - text.trimStart().length;
        items.at(-1)?.lines.push(this.#inline(line.start + skip, line.end));
      } else if (!(text.trim() === '' && this.#nextIsItem(ordered !== undefined))) {
        break;
      }
      end = line.end;
      this.#at += 1;
    }
    this.#blocks.push({ kind: 'list', ordered: ordered !== undefined, first: Number(ordered ?? 1), items, start: first.start, end });
  }

  #nextIsItem(ordered: boolean): boolean {
    const next = this.#lines[this.#at + 1];
    const found = next && bullet.exec(this.#text(next));
    return Boolean(found) && (found?.[2] !== undefined) === ordered;
  }

  #code(): void {
    const opening = this.#peek() ?? { start: 0, end: 0 };
    const sign = fence.exec(this.#text(opening))?.[1] ?? '```';
    const lines: Line[] = [];
    let end = opening.end;
    this.#at += 1;
    for (let line = this.#peek(); line; line = this.#peek()) {
      this.#at += 1;
      end = line.end;
      if (this.#text(line).trim().startsWith(sign)) break;
      lines.push(line);
    }
    this.#blocks.push({ kind: 'code', lines, start: opening.start, end });
  }

  #isTable(): boolean {
    const next = this.#lines[this.#at + 1];
    return next !== undefined && tableRule.test(this.#text(next));
  }

  #table(): void {
    const first = this.#peek() ?? { start: 0, end: 0 };
    const head = this.#cells(first);
    const rows: Inline[][][] = [];
    let end = first.end;
    this.#at += 2;
    for (let line = this.#peek(); line && tableRow.test(this.#text(line)); line = this.#peek()) {
      rows.push(this.#cells(line));
      end = line.end;
      this.#at += 1;
    }
    this.#blocks.push({ kind: 'table', head, rows, start: first.start, end });
  }

  #cells(line: Line): Inline[][] {
    const cells: Inline[][] = [];
    const text = this.#text(line);
    let from = text.indexOf('|') + 1;
    for (let at = from; at < text.length; at += 1) {
      if (text[at] !== '|' || text[at - 1] === '\\') continue;
      const cell = text.slice(from, at);
      const start = line.start + from + (cell.length - cell.trimStart().length);
      cells.push(this.#inline(start, start + cell.trim().length));
      from = at + 1;
    }
    return cells;
  }

  #paragraph(): void {
    const start = this.#peek()?.start ?? 0;
    const lines: Inline[][] = [];
    let end = start;
    for (let line = this.#peek(); line; line = this.#peek()) {
      const text = this.#text(line);
      const ends = text.trim() === '' || (lines.length > 0 && this.#interrupts(text));
      if (ends) break;
      const skip = text.length - text.trimStart().length;
      lines.push(this.#inline(line.start + skip, line.end));
      end = line.end;
      this.#at += 1;
    }
    this.#blocks.push({ kind: 'paragraph', lines, start, end });
  }

  #interrupts(text: string): boolean {
    const starts = fence.test(text) || heading.test(text) || quote.test(text) || rule.test(text) || bullet.test(text);
    return starts || (tableRow.test(text) && this.#isTable());
  }
}

/** The words of a text without its signs, for a screen reader or a preview. */
export function plainText(source: string): string {
  const blocks = parseMarkdown(source, { open: false, cites: (number) => number > 0, links: true });
  const words = (nodes: Inline[]): string =>
    nodes
      .map((node) => {
        if (node.kind === 'text' || node.kind === 'code') return source.slice(node.start, node.end);
        return node.kind === 'citation' ? '' : words(node.children);
      })
      .join('');
  return blocks
    .map((block) => {
      switch (block.kind) {
        case 'heading':
          return words(block.children);
        case 'paragraph':
        case 'quote':
          return block.lines.map(words).join(' ');
        case 'list':
          return block.items.map((item) => item.lines.map(words).join(' ')).join('\n');
        case 'code':
          return block.lines.map((line) => source.slice(line.start, line.end)).join('\n');
        case 'table':
          return [block.head, ...block.rows].map((row) => row.map(words).join(', ')).join('\n');
        default:
          return '';
      }
    })
    .join('\n')
    .replace(/ +([.,;:!?])/g, '$1');
}
