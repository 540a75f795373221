import { UNBIND } from './port-advice.ts';
import type { UpstreamSnapshot } from './upstream.ts';
import type { Verdict } from './verdict.ts';
import { grouped, known } from './wording.ts';

/** From here on the ports that binding wastes are missed. */
const HALF = 0.5;

/** A program that binds its client sockets, and so has all its destinations share the ports of one address. */
export function checkLocalAddress({ name, ports }: UpstreamSnapshot): Verdict | undefined {
  if (!ports.isBound) return undefined;
  const { used, limit, exhaustionMs } = ports;
  const isFull = used !== undefined && limit !== undefined && used >= limit * HALF;
  const inUse = used === undefined || limit === undefined ? '' : `: ${grouped(used)} of ${grouped(limit)} are in use`;
  return {
    kind: 'local_address_set',
    name,
    side: 'client',
    severity: isFull || exhaustionMs !== undefined ? 'warning' : 'info',
    sentence: `The sockets of \`${name}\` are bound to a local address (\`localAddress\`), so all destinations share the ports of that address${inUse}.`,
    advice: [UNBIND],
    evidence: known({ used, limit, exhaustionMs }),
  };
}
