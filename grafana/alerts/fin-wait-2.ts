import { select } from '../promql.ts';
import { FIN_WAIT_2_STUCK } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';
import { WHOSE } from './whose.ts';

/** Closed on this side, acknowledged, and the peer's end does not come. The kernel ends only those without a descriptor. */
export const finWait2Stuck: AlertRule = {
  alert: 'FinwaitFinWait2Stuck',
  expr: `min_over_time(${select('leaked_sockets', { state: 'fin_wait_2' })}[${FIN_WAIT_2_STUCK.standing}]) >= ${FIN_WAIT_2_STUCK.atLeast}`,
  for: FIN_WAIT_2_STUCK.for,
  keepFiringFor: FIN_WAIT_2_STUCK.keepFiringFor,
  severity: 'warning',
  summary: `{{ $labels.instance }} ({{ $labels.job }}) has sockets stuck in FIN_WAIT_2: ${WHOSE}`,
  description:
    `For ${FIN_WAIT_2_STUCK.standing} never fewer than {{ $value | printf "%.0f" }} sockets (${WHOSE}) were leaked in ` +
    'FIN_WAIT_2: this process called end(), the peer acknowledged it and does not end its side. As long as a descriptor ' +
    'is open the kernel waits without limit; each holds that descriptor and its local port.',
};
