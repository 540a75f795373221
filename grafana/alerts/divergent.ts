import { select } from '../promql.ts';
import { DIVERGENT } from '../thresholds.ts';
import { ofGrownProcess } from './grown-up.ts';
import type { AlertRule } from './rule.ts';

const SOCKETS = select('divergent_sockets');

/** Node and the kernel contradict each other about ever more sockets. Those that do for good, and no longer grow, are silent. */
export const divergentSockets: AlertRule = {
  alert: 'FinwaitDivergentSockets',
  expr: ofGrownProcess(
    [
      '(',
      `    min_over_time(${SOCKETS}[${DIVERGENT.standing}])`,
      '  >',
      `    min_over_time(${SOCKETS}[${DIVERGENT.grownWithin}])`,
      `) >= ${DIVERGENT.atLeast}`,
    ].join('\n'),
    ['kind'],
  ),
  for: DIVERGENT.for,
  keepFiringFor: DIVERGENT.keepFiringFor,
  severity: 'warning',
  summary:
    '{{ $labels.instance }} ({{ $labels.job }}) is wrong about more and more of its sockets ({{ $labels.kind }})',
  description:
    `For ${DIVERGENT.standing} never fewer than {{ $value | printf "%.0f" }} sockets were not what Node takes them for ` +
    `({{ $labels.kind }}), and they have become more within ${DIVERGENT.grownWithin}. What the program waits for on them ` +
    'does not come, or nobody in it knows of them; each holds a descriptor or memory.',
};
