/**
 * Splits a span of text where marked spans begin and end: a cited passage and the sentences quoted from it in a document, the
 * statements that no document backs in an answer.
 */
import type { Span } from '../api/types';

export type Emphasis = 'none' | 'passage' | 'quote' | 'uncited';

export interface Marks {
  passage: Span | null;
  quotes: readonly Span[];
  uncited?: readonly Span[];
}

export interface Piece extends Span {
  emphasis: Emphasis;
}

export const noMarks: Marks = { passage: null, quotes: [] };

/** The pieces of `[start, end)`, each wholly inside or outside of every mark, in order and without gaps. */
export function splitByMarks(start: number, end: number, marks: Marks): Piece[] {
  const spans = [...(marks.passage ? [marks.passage] : []), ...marks.quotes, ...(marks.uncited ?? [])];
  const cuts = new Set([start, end]);
  for (const span of spans) {
    if (span.start > start && span.start < end) cuts.add(span.start);
    if (span.end > start && span.end < end) cuts.add(span.end);
  }
  const ordered = [...cuts].sort((a, b) => a - b);
  const pieces: Piece[] = [];
  for (let index = 0; index + 1 < ordered.length; index += 1) {
    const from = ordered[index] ?? start;
    const to = ordered[index + 1] ?? end;
    pieces.push({ start: from, end: to, emphasis: emphasisAt(from, marks) });
  }
  return pieces;
}

function emphasisAt(at: number, marks: Marks): Emphasis {
  const holds = (span: Span) => span.start <= at && at < span.end;
  if (marks.uncited?.some(holds)) return 'uncited';
  if (marks.quotes.some(holds)) return 'quote';
  return marks.passage && holds(marks.passage) ? 'passage' : 'none';
}

/** Whether a statement that no document backs ends there, so that it is said once, however many pieces it is in. */
export function endsUncited(end: number, marks: Marks): boolean {
  return marks.uncited?.some((span) => span.end === end) ?? false;
}

/** Whether any of `[start, end)` lies in the span. */
export function touches(start: number, end: number, span: Span | null): boolean {
  return span !== null && start < span.end && span.start < end;
}
