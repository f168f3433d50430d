/**
 * The answer being written, put together from `draft` pieces.
 *
 * A piece replaces the text from its offset on. Pieces may be lost: one that starts beyond the text so far cannot be placed
 * and is passed over; a later piece that starts within the text (or the final message) makes it whole again.
 */
import type { DraftPiece, Stage } from '../api/types';

export interface Draft {
  replyTo: string;
  text: string;
  stage: Stage;
  /** While it waits: how many questions are answered first. */
  before: number;
}

/** The draft after a piece; a piece for another question starts anew. */
export function applyPiece(draft: Draft | null, piece: DraftPiece): Draft {
  const current = draft?.replyTo === piece.reply_to ? draft.text : '';
  const text = piece.offset <= current.length ? current.slice(0, piece.offset) + piece.text : current;
  return { replyTo: piece.reply_to, text, stage: piece.stage, before: piece.before ?? 0 };
}

/** The longest start of `text` with at most `units` code units that does not split a surrogate pair. */
export function startOf(text: string, units: number): string {
  if (units >= text.length) return text;
  const last = text.charCodeAt(units - 1);
  const splits = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, splits ? units - 1 : units);
}
