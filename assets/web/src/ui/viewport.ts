/**
 * Keeps a full-screen element in the part of the window that the on-screen keyboard leaves free. Some browsers shrink the
 * window themselves; on the others only the visual viewport tells.
 */

/** Follows the visual viewport; the answer stops it and gives the element back to its style sheet. */
export function fitViewport(element: HTMLElement): () => void {
  const viewport = window.visualViewport;
  if (!viewport) return () => undefined;
  const fit = () => {
    // Pinch zoom makes the viewport small too, and there nothing must move.
    const zoomed = viewport.scale > 1.01;
    element.style.setProperty('--viewport-height', zoomed ? '100dvh' : `${viewport.height}px`);
    element.style.setProperty('--viewport-top', zoomed ? '0px' : `${viewport.offsetTop}px`);
  };
  fit();
  viewport.addEventListener('resize', fit);
  viewport.addEventListener('scroll', fit);
  return () => {
    viewport.removeEventListener('resize', fit);
    viewport.removeEventListener('scroll', fit);
    element.style.removeProperty('--viewport-height');
    element.style.removeProperty('--viewport-top');
  };
}
