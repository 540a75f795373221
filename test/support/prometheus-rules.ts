import { ruleOf } from '../../grafana/alerts/rule.ts';
import { ALERTS } from '../../grafana/generate.ts';
import { recordOf } from '../../grafana/recording/record.ts';
import { RECORDS } from '../../grafana/recording/records.ts';
import type { RuleFile } from './prometheus-pace.ts';

/** Every rule that is shipped, as one file. */
export const ALL_RULES: RuleFile = {
  groups: [
    { name: 'recording', rules: RECORDS.map(recordOf) },
    { name: 'alerts', rules: ALERTS.map(ruleOf) },
  ],
} as unknown as RuleFile;
