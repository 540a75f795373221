import { select } from '../promql.ts';
import { RESETS } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';

const RESET = `sum without (initiator, outcome) (increase(${select('connections_closed_total', { outcome: 'reset' })}[${RESETS.within}]))`;
const USED = `sum without (initiator, outcome) (increase(${select('connections_closed_total', { outcome: { not: 'unused' } })}[${RESETS.within}]))`;

/** Connections are cut off. Those that never carried a byte are probes: they are on neither side of the ratio. */
export const resetRatio: AlertRule = {
  alert: 'FinwaitResetRatio',
  expr: [`${RESET}`, '  /', `(${USED} >= ${RESETS.atLeast})`, `  >= ${RESETS.shareFrom}`].join('\n'),
  for: RESETS.for,
  keepFiringFor: RESETS.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) has connections of {{ $labels.side }} {{ $labels.name }} reset',
  description:
    `{{ $value | humanizePercentage }} of the connections of {{ $labels.side }} {{ $labels.name }} that closed within ` +
    `${RESETS.within} ended by an RST, and it has gone on for ${RESETS.for}: what was under way on them is lost. ` +
    'connections_closed_total says by initiator who sends them; connections that never carried a byte are left out.',
};
