/**
 * Says that sessions have ended as a consequence of something else, so that their list is loaded anew.
 */
let changes = $state(0);

export function sessionsChanged(): void {
  changes += 1;
}

export function sessionChanges(): number {
  return changes;
}
