import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';

const LOWEST = 20_000;
const TRIES = 100;

/**
 * A port that no socket of this machine has at either end, not even one in TIME_WAIT, for a server that takes no 0 or
 * must come back to the same port. It lies below the ephemeral range: no outgoing connection gets it meanwhile.
 */
export async function freePort(): Promise<number> {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1');
  const end = Math.max(LOWEST + 1_000, Number.parseInt(range, 10));
  for (let turn = 0; turn < TRIES; turn++) {
    const port = LOWEST + Math.floor(Math.random() * (end - LOWEST));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${LOWEST} and ${end} in ${TRIES} tries`);
}

async function isFree(port: number): Promise<boolean> {
  // What another test left behind a moment ago would look like the rows of this one.
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  if (['tcp', 'tcp6'].some((file) => readFileSync(`/proc/net/${file}`, 'latin1').includes(hex))) return false;
  const server = net.createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  }
}
