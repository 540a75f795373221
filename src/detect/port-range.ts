import type { PortSettings } from '../sockets/port-settings.ts';
import { HIGH_REUSE, portAdvice, widen } from './port-advice.ts';
import { recentReuseShare, type UpstreamSnapshot } from './upstream.ts';
import type { Verdict } from './verdict.ts';
import { grouped, known, percent } from './wording.ts';

/** 32768 to 60999, as Linux has it by default. */
const DEFAULT_PORTS = 28_232;
/** Listeners and reserved ports take some out of any range. */
const NEARLY = 0.99;
/** A small range that is hardly used is nobody's trouble. */
const WORTH_A_WORD = 0.1;
const HALF = 0.5;

/** A range that is smaller than usual and used, or one that connections used well do not fit in. */
export function checkPortRange(upstream: UpstreamSnapshot, settings: PortSettings | undefined): Verdict | undefined {
  const { name, ports, churn } = upstream;
  const { used, limit, exhaustionMs } = ports;
  if (used === undefined || limit === undefined || limit <= 0) return undefined;
  const isInSight = exhaustionMs !== undefined;
  const isSmall = limit < DEFAULT_PORTS * NEARLY && (isInSight || used >= limit * WORTH_A_WORD);
  const reuse = recentReuseShare(churn);
  const isOutgrown = isInSight && reuse !== undefined && reuse >= HIGH_REUSE;
  if (!isSmall && !isOutgrown) return undefined;
  const range = settings?.localPortRange;
  const setting = range === undefined ? '' : ` (net.ipv4.ip_local_port_range is ${range.from} ${range.to})`;
  const reason = isSmall
    ? `fewer than the usual ${grouped(DEFAULT_PORTS)}`
    : `though ${percent(reuse ?? 0)} of the requests use connections again`;
  return {
    kind: 'port_range_small',
    name,
    side: 'client',
    severity: isInSight || used >= limit * HALF ? 'warning' : 'info',
    sentence: `There are ${grouped(limit)} local ports towards one destination${setting}, ${reason}, and \`${name}\` has ${grouped(used)} in use.`,
    advice: [widen(limit), ...portAdvice(upstream, settings).filter((line) => line !== widen(limit))],
    evidence: known({ used, limit, exhaustionMs, rangeFrom: range?.from, rangeTo: range?.to }),
  };
}
