import { networkInterfaces } from 'node:os';
import { performance } from '../globals.ts';

/** The list takes 50 us, and is asked for with every connect() that fails while ports are exhausted. */
const TRUSTED_MS = 1_000;

/**
 * Asks whether this host has any address of a family, loopback included: in a container without IPv6 even `::1` is not
 * there, and connect(2) says EADDRNOTAVAIL to that as it does when ports run out.
 */
export function createFamilyCheck(now: () => number = () => performance.now()): (isIpv6: boolean) => boolean {
  let checkedAt = Number.NEGATIVE_INFINITY;
  let families = new Set<string>();
  return (isIpv6) => {
    if (now() - checkedAt > TRUSTED_MS) {
      checkedAt = now();
      const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
      families = new Set(addresses.map(({ family }) => family));
    }
    return families.has(isIpv6 ? 'IPv6' : 'IPv4');
  };
}
