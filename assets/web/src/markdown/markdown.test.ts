import { describe, expect, it } from 'vitest';
import { type Block, parseMarkdown, plainText } from './blocks';
import { type Inline, type InlineOptions, parseInline } from './inline';
import { endsUncited, splitByMarks } from './marks';

const closed: InlineOptions = { open: false, cites: (number) => number <= 3, links: false };
const growing: InlineOptions = { ...closed, open: true };

/** A short picture of inline nodes: `*strong*`, `/emphasis/`, `{code}`, `<link>`, `[^1]`. */
function draw(source: string, nodes: Inline[]): string {
  return nodes
    .map((node) => {
      switch (node.kind) {
        case 'text':
          return source.slice(node.start, node.end);
        case 'code':
          return `{${source.slice(node.start, node.end)}}`;
        case 'strong':
          return `*${draw(source, node.children)}*`;
        case 'emphasis':
          return `/${draw(source, node.children)}/`;
        case 'together':
          return draw(source, node.children);
        case 'link':
          return `<${node.href}|${draw(source, node.children)}>`;
        default:
          return `[^${node.number}]`;
      }
    })
    .join('');
}

const inline = (source: string, options = closed) => draw(source, parseInline(source, 0, source.length, options));
const kinds = (source: string, options = closed) => parseMarkdown(source, options).map((block) => block.kind);

describe('inline text', () => {
  it.each([
    ['plain', 'plain'],
    ['a **bold** word', 'a *bold* word'],
    ['**bold with *soft* in it**', '*bold with /soft/ in it*'],
    ['`**not bold**`', '{**not bold**}'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['snake_case_name', 'snake_case_name'],
    ['\\*kept\\*', '*kept*'],
    ['an open **end', 'an open **end'],
    ['<b>text</b> & more', '<b>text</b> & more'],
  ])('reads %j as %j', (source, expected) => {
    expect(inline(source)).toBe(expected);
  });

  it('takes a marker as a citation only when the answer has that source', () => {
    expect(inline('Yes [1]. No [7].')).toBe('Yes[^1]. No [7].');
  });

  it('keeps a marker on the line of its word', () => {
    const source = 'Thirty days [1][2] at most';
    const nodes = parseInline(source, 0, source.length, closed);
    expect(nodes.map(({ kind }) => kind)).toEqual(['text', 'together', 'text']);
    expect(draw(source, nodes.slice(1, 2))).toBe('days[^1][^2]');
  });

  it('reads several numbers in one marker', () => {
    expect(inline('Both [1, 2]')).toBe('Both[^1][^2]');
    expect(inline('Both [1][2]')).toBe('Both[^1][^2]');
  });

  it('links written-out addresses without the punctuation after them', () => {
    expect(inline('See https://a.example/b_c?d=1. (https://a.example)')).toBe(
      'See <https://a.example/b_c?d=1|https://a.example/b_c?d=1>. (<https://a.example|https://a.example>)',
    );
  });

  it('never links an address that could run a script', () => {
    expect(inline('[x](javascript:alert(1)) javascript:alert(1)', { ...closed, links: true })).not.toContain('<');
  });

  it('gives named links only where they are asked for', () => {
    expect(inline('[shop](https://a.example)', { ...closed, links: true })).toBe('<https://a.example|shop>');
    expect(inline('[shop](https://a.example)')).toContain('[shop](');
  });
});

describe('text that still grows', () => {
  it('shows an open end as if it were closed', () => {
    expect(inline('an **open en', growing)).toBe('an *open en*');
    expect(inline('an **open en*', growing)).toBe('an *open en*');
    expect(inline('an `open en', growing)).toBe('an {open en}');
  });

  it('holds half a citation marker back', () => {
    expect(inline('Yes [', growing)).toBe('Yes ');
    expect(inline('Yes [1', growing)).toBe('Yes ');
    expect(inline('Yes [1]', growing)).toBe('Yes[^1]');
  });

  it('holds the sign of a list item back until its words come', () => {
    expect(kinds('Steps:\n\n-', growing)).toEqual(['paragraph']);
    expect(kinds('Steps:\n\n- one', growing)).toEqual(['paragraph', 'list']);
  });

  it('reads every prefix of a text without losing words', () => {
    const source = 'A **b** `c` [1]\n\n- one\n- two [2]\n\n> said\n\n```\ncode\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |';
    for (let length = 0; length <= source.length; length += 1) {
      expect(() => parseMarkdown(source.slice(0, length), growing)).not.toThrow();
    }
  });
});

describe('blocks', () => {
  it('tells the kinds apart', () => {
    const source = '# Title\ntext\n- item\n\n1. first\n2. second\n\n> quote\n\n```js\ncode\n```\n---\n| a |\n|---|\n| b |';
    expect(kinds(source)).toEqual(['heading', 'paragraph', 'list', 'list', 'quote', 'code', 'rule', 'table']);
  });

  it('keeps every leaf a span of the source', () => {
    const source = '## Häding 😀\n\n- *one*\r\n  more\n\n| a | **b** |\n|---|---|\n| c | d |';
    const spans: string[] = [];
    const visit = (nodes: Inline[]): void =>
      nodes.forEach((node) => ('children' in node ? visit(node.children) : spans.push(source.slice(node.start, node.end))));
    for (const block of parseMarkdown(source, closed)) leaves(block).forEach(visit);
    expect(spans).toEqual(['Häding 😀', 'one', 'more', 'a', 'b', 'c', 'd']);
  });

  it.each(['*a ', '[', '`', '| ', '> ', '**_', 'http://', '- '])('reads %j ten thousand times over', (sign) => {
    for (const options of [closed, growing]) expect(parseMarkdown(`x${sign.repeat(10_000)}`, options)).toHaveLength(1);
  });

  it('says an answer aloud without its signs', () => {
    expect(plainText('Within **30 days** [1].\n\n- one\n- `two`')).toBe('Within 30 days.\none\ntwo');
  });
});

function leaves(block: Block): Inline[][] {
  switch (block.kind) {
    case 'heading':
      return [block.children];
    case 'list':
      return block.items.flatMap((item) => item.lines);
    case 'table':
      return [...block.head, ...block.rows.flat()];
    case 'paragraph':
    case 'quote':
      return block.lines;
    default:
      return [];
  }
}

describe('marks', () => {
  it('splits text where the passage and its quotes begin and end', () => {
    const marks = { passage: { start: 2, end: 8 }, quotes: [{ start: 4, end: 6 }] };
    expect(splitByMarks(0, 10, marks)).toEqual([
      { start: 0, end: 2, emphasis: 'none' },
      { start: 2, end: 4, emphasis: 'passage' },
      { start: 4, end: 6, emphasis: 'quote' },
      { start: 6, end: 8, emphasis: 'passage' },
      { start: 8, end: 10, emphasis: 'none' },
    ]);
  });

  it('marks a statement that no document backs in every piece it is in, and ends it once', () => {
    const source = 'It is so [1]. It **lasts** ten years.';
    const marks = { passage: null, quotes: [], uncited: [{ start: 14, end: source.length }] };
    const pieces: [string, string, boolean][] = [];
    const visit = (nodes: Inline[]): void =>
      nodes.forEach((node) => {
        if ('children' in node) return visit(node.children);
        if (node.kind === 'citation') return;
        for (const { start, end, emphasis } of splitByMarks(node.start, node.end, marks)) {
          if (start < end) pieces.push([source.slice(start, end), emphasis, endsUncited(end, marks)]);
        }
      });
    for (const block of parseMarkdown(source, closed)) leaves(block).forEach(visit);
    expect(pieces.filter(([, emphasis]) => emphasis === 'uncited')).toEqual([
      ['It ', 'uncited', false],
      ['lasts', 'uncited', false],
      [' ten years.', 'uncited', true],
    ]);
    expect(pieces.filter(([, , ends]) => ends)).toHaveLength(1);
  });

  it('leaves text outside of every mark whole', () => {
    expect(splitByMarks(20, 30, { passage: { start: 2, end: 8 }, quotes: [] })).toEqual([{ start: 20, end: 30, emphasis: 'none' }]);
  });
});
