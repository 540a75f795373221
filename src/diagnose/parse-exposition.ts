/** One sample of a scrape. */
export interface ExposedSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/**
 * Parses the text format of Prometheus (exposition format 0.0.4, and what OpenMetrics shares with it) as far as it is
 * needed to read what finwait itself exports: samples, without help, type, exemplars and timestamps. A line that is no
 * sample is passed over.
 *
 * @example parseExposition('a_total{side="server"} 3\n') // [{ name: 'a_total', labels: Map { 'side' => 'server' }, value: 3 }]
 */
export function parseExposition(text: string): ExposedSample[] {
  const samples: ExposedSample[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = SAMPLE.exec(line);
    if (match === null) continue;
    const [, name = '', labels = '', value = ''] = match;
    const number = numberOf(value);
    if (number === undefined) continue;
    samples.push({ name, labels: parseLabels(labels), value: number });
  }
  return samples;
}

/** A name, perhaps labels, a value; a quoted label value may hold anything, brackets and escaped quotes included. */
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+(\S+)/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

function parseLabels(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) labels.set(name, value.replace(/\\(.)/g, unescaped));
  return labels;
}

function unescaped(_: string, letter: string): string {
  return letter === 'n' ? '\n' : letter;
}

function numberOf(text: string): number | undefined {
  switch (text) {
    case '+Inf':
      return Number.POSITIVE_INFINITY;
    case '-Inf':
      return Number.NEGATIVE_INFINITY;
    case 'NaN':
      return Number.NaN;
    default: {
      const number = Number(text);
      return Number.isNaN(number) ? undefined : number;
    }
  }
}
