/**
 * The name that a server gives a download (RFC 6266, without the extended form that our server has no use for).
 */

/** The name in a `Content-Disposition` header. */
export function nameIn(disposition: string | null): string | null {
  const name = /filename="([^"]+)"/.exec(disposition ?? '')?.[1] ?? /filename=([^;\s]+)/.exec(disposition ?? '')?.[1];
  return name ?? null;
}
