/**
 * Which roles a person may give. The server decides; this only keeps the page from offering what would be refused.
 */
import type { Membership, Role } from '../../api/types';

/** Nobody gives more than he has, and only an owner makes owners. */
export function mayGive(role: Role, giver: Membership): boolean {
  if (role.id === 'owner') return giver.role === 'owner';
  return role.permissions.every((permission) => giver.permissions.includes(permission));
}

/** Only an owner unmakes an owner. */
export function mayChange(memberRole: string, giver: Membership): boolean {
  return memberRole !== 'owner' || giver.role === 'owner';
}
