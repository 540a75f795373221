import type { Diagnosis } from '../diagnosis.ts';
export function textReport(diagnosis: Diagnosis): string {
  return `${diagnosis.findings.length} findings\n`;
}
