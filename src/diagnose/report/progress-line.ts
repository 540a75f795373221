import type { LoadSample } from '../../detect/load-test/load-sample.ts';
export function progressLine(sample: LoadSample, _previous: LoadSample | undefined, phase: string): string {
  return `${phase} ${sample.atMs} ms, ${sample.table?.server.established} established`;
}
