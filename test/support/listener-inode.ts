import { readFileSync } from 'node:fs';

/** The inode of the one socket of this network namespace that listens on a port, as /proc/net/tcp tells. */
export function inodeOfListener(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  for (const file of ['tcp', 'tcp6']) {
    for (const line of readFileSync(`/proc/net/${file}`, 'latin1').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A') return Number(fields[9]);
    }
  }
  throw new Error(`nobody listens on ${port}`);
}
