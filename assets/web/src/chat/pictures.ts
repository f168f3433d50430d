/**
 * Pictures as bytes: which files are taken, what was fetched before, and how they come onto the page.
 *
 * They are painted onto a canvas and never given an address: the widget runs on other sites' pages, whose content security
 * policy may forbid pictures from anywhere, and an address for every picture would have to be taken back.
 */
import type { MessageImage } from '../api/types';

/** Limits of the server, checked here first so that nobody waits for a refusal. */
export const PICTURES_MAX = 4;
export const PICTURE_BYTES_MAX = 12 * 1024 * 1024;
/** What is asked for in the file dialog; phones turn their own formats into one of these. */
export const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'];

/** A picture that the server keeps. */
export interface KeptPicture {
  conversation: string;
  image: MessageImage;
}

export type Objection = 'picture_type' | 'picture_size';

/** Why a file is not even tried. */
export function objection(file: Pick<File, 'type' | 'size'>): Objection | null {
  if (!PICTURE_TYPES.includes(file.type)) return 'picture_type';
  return file.size > PICTURE_BYTES_MAX ? 'picture_size' : null;
}

/** The files of a drop or a paste. Text that is copied from a document often brings a picture of itself: then the text is meant. */
export function filesIn(transfer: Pick<DataTransfer, 'files' | 'types'> | null): File[] {
  if (!transfer || transfer.types.includes('text/plain')) return [];
  return [...transfer.files];
}

/** What was fetched or sent, the latest first; what was not asked for longest goes. */
export class PictureStore {
  readonly #kept = new Map<string, Promise<Blob>>();
  static readonly KEPT_MAX = 40;

  keep(id: string, bytes: Blob): void {
    this.#put(id, Promise.resolve(bytes));
  }

  /** The bytes, fetched if they are not here. A fetch that fails is forgotten, so that it can be tried again. */
  get(id: string, fetch: () => Promise<Blob>): Promise<Blob> {
    const bytes = this.#kept.get(id) ?? fetch();
    this.#put(id, bytes);
    bytes.catch(() => this.#kept.get(id) === bytes && this.#kept.delete(id));
    return bytes;
  }

  clear(): void {
    this.#kept.clear();
  }

  #put(id: string, bytes: Promise<Blob>): void {
    this.#kept.delete(id);
    this.#kept.set(id, bytes);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > PictureStore.KEPT_MAX && !oldest.done) this.#kept.delete(oldest.value);
  }
}

export interface Size {
  width: number;
  height: number;
}

/** The largest size with these proportions whose longer edge is `edge`; never more than it is, never nothing. */
export function fitted({ width, height }: Size, edge: number): Size {
  const share = Math.min(1, edge / Math.max(width, height, 1));
  return { width: Math.max(1, Math.round(width * share)), height: Math.max(1, Math.round(height * share)) };
}

/** Paints a picture with at most `edge` pixels an edge. */
export async function paint(canvas: HTMLCanvasElement, bytes: Blob, edge: number): Promise<void> {
  const whole = await createImageBitmap(bytes);
  const { width, height } = fitted(whole, edge);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (context) {
    context.imageSmoothingQuality = 'high';
    context.drawImage(whole, 0, 0, width, height);
  }
  whole.close();
}
