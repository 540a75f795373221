import { select } from '../promql.ts';
import { DESCRIPTORS } from '../thresholds.ts';
import { ofGrownProcess } from './grown-up.ts';
import { lastKnown } from './last-known.ts';
import type { AlertRule } from './rule.ts';

const OPEN = select('open_fds');
const MOST = lastKnown(select('max_fds'));
const SHARE = `${lastKnown(OPEN)} / ${MOST}`;

/** Descriptors are all but gone. */
export const descriptorsExhausted: AlertRule = {
  alert: 'FinwaitDescriptorsExhausted',
  expr: `${SHARE} > ${DESCRIPTORS.criticalFrom}`,
  for: DESCRIPTORS.criticalFor,
  keepFiringFor: DESCRIPTORS.keepFiringFor,
  severity: 'critical',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) has nearly no file descriptors left',
  description:
    '{{ $value | humanizePercentage }} of its file descriptors are in use. At 100% it accepts and opens no connection ' +
    'and opens no file (EMFILE), health checks over open connections may still pass, and it can no longer be scraped.',
};

/** At this rate they will be. */
export const descriptorsRunningOut: AlertRule = {
  alert: 'FinwaitDescriptorsRunningOut',
  expr: ofGrownProcess(
    [
      `predict_linear(${OPEN}[${DESCRIPTORS.trendOf}], ${DESCRIPTORS.aheadHours} * 3600) > ${MOST}`,
      'and',
      `  ${SHARE} > ${DESCRIPTORS.warnFrom}`,
    ].join('\n'),
    [],
  ),
  for: DESCRIPTORS.warnFor,
  keepFiringFor: DESCRIPTORS.keepFiringFor,
  severity: 'warning',
  summary: '{{ $labels.instance }} ({{ $labels.job }}) will be out of file descriptors soon',
  description:
    `More than ${DESCRIPTORS.warnFrom * 100}% of its file descriptors are in use, and if they go on to grow as in the last ` +
    `${DESCRIPTORS.trendOf} there will be {{ $value | printf "%.0f" }} in ${DESCRIPTORS.aheadHours} hours, which is more ` +
    'than it may have. Something opens them and does not close them.',
};
