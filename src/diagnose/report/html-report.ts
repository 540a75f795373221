import type { Diagnosis } from '../diagnosis.ts';
export function htmlReport(diagnosis: Diagnosis): string {
  return `<pre>${JSON.stringify(diagnosis)}</pre>`;
}
