import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * A short name for this process's network namespace, the same for all processes in it: 8 hexadecimal digits of the boot
 * id and the namespace's inode. Empty where /proc does not tell.
 */
export function readNetns(): string {
  try {
    return netnsId(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), readlinkSync('/proc/self/ns/net'));
  } catch {
    // No /proc (macOS, Windows, a hardened mount): the namespace has no name then.
    return '';
  }
}

/** The name of a namespace from the machine's boot id and the link text `net:[4026531840]`. */
export function netnsId(bootId: string, link: string): string {
  return createHash('sha256').update(`${bootId} ${link}`).digest('hex').slice(0, 8);
}
