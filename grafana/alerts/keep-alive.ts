import { select } from '../promql.ts';
import { KEEP_ALIVE_RACE } from '../thresholds.ts';
import type { AlertRule } from './rule.ts';

/** Requests are lost to connections that the server had just closed, again and again. */
export const keepAliveRace: AlertRule = {
  alert: 'FinwaitKeepAliveRace',
  expr: `increase(${select('reused_connection_errors_total')}[${KEEP_ALIVE_RACE.within}]) >= ${KEEP_ALIVE_RACE.atLeast}`,
  for: KEEP_ALIVE_RACE.for,
  keepFiringFor: KEEP_ALIVE_RACE.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) loses requests to {{ $labels.name }} in the keep-alive race',
  description:
    `{{ $value | printf "%.0f" }} requests to {{ $labels.name }} within ${KEEP_ALIVE_RACE.within} were sent on a ` +
    'connection that had served others and that its server was just closing (ECONNRESET, EPIPE, "other side closed"), ' +
    `and it has gone on for ${KEEP_ALIVE_RACE.for}. Its idle timeout is shorter than ours, or not known here.`,
};
