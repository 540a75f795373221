// A Prometheus of the machine as a child process, in a folder of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { until } from './wait.ts';

/** One series of an answer: its points as [seconds, value]. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number])[];
}

/** What Prometheus says of one rule. */
export interface RuleHealth {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

/** Times in seconds since the epoch. */
export interface TimeRange {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** A Prometheus under way. */
export interface Prometheus {
  /** The value now, or then. */
  query(expr: string, atSeconds?: number): Promise<readonly Series[]>;
  queryRange(expr: string, range: TimeRange): Promise<readonly Series[]>;
  /** The values of a label over the series that a selector matches. */
  labelValues(label: string, selector: string): Promise<readonly string[]>;
  rules(): Promise<readonly RuleHealth[]>;
  /** The expression as Prometheus writes it. Rejects with what is wrong with it. */
  formatted(expr: string): Promise<string>;
  /** What it wrote to stderr. */
  stderr(): string;
  stop(): Promise<void>;
}

/** A port may be taken between its choice and its use. */
const TRIES = 3;
const READY_WITHIN_MS = 20_000;

/**
 * Starts Prometheus and waits until it is ready.
 *
 * @param config what would be in prometheus.yml; JSON is YAML
 * @param rules what would be in its file of rules
 */
export async function startPrometheus(config: object, rules: object = { groups: [] }): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'finwait-prometheus-'));
  writeFileSync(join(folder, 'rules.yml'), JSON.stringify(rules));
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({ ...config, rule_files: ['rules.yml'] }));
  try {
    for (let turn = 1; ; turn++) {
      try {
        return await start(folder, await freePort());
      } catch (error) {
        if (turn === TRIES || !String(error).includes('address already in use')) throw error;
      }
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function start(folder: string, port: number): Promise<Prometheus> {
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
      // A scrape a second: what is missing for ten is gone, as it is after five minutes at the usual pace.
      '--query.lookback-delta=10s',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      stderr += String(error);
      hasEnded = true;
      resolve();
    });
    child.on('close', () => {
      hasEnded = true;
      resolve();
    });
  });
  const base = `http://127.0.0.1:${port}`;
  const isReady = async (): Promise<boolean> =>
    hasEnded ||
    (await fetch(`${base}/-/ready`).then(
      (response) => response.ok,
      () => false,
    ));
  await until(isReady, () => `Prometheus is ready: ${stderr}`, READY_WITHIN_MS);
  if (hasEnded) throw new Error(`Prometheus ended: ${stderr}`);

  async function ask(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const body = new URLSearchParams(parameters);
    // A range query of a dashboard is longer than some URLs may be.
    const response = path.startsWith('label')
      ? await fetch(`${base}/api/v1/${path}?${body}`)
      : await fetch(`${base}/api/v1/${path}`, path === 'rules' ? {} : { method: 'POST', body });
    const answer = (await response.json()) as { status: string; data: unknown; error?: string };
    if (answer.status !== 'success') throw new Error(`${answer.error} in ${JSON.stringify(parameters)}`);
    return answer.data;
  }

  return {
    query: async (expr, atSeconds) =>
      seriesOf(await ask('query', { query: expr, ...(atSeconds !== undefined && { time: `${atSeconds}` }) })),
    queryRange: async (expr, { start: from, end, step }) =>
      seriesOf(await ask('query_range', { query: expr, start: `${from}`, end: `${end}`, step: `${step}` })),
    labelValues: async (label, selector) =>
      (await ask(`label/${label}/values`, { 'match[]': selector })) as readonly string[],
    async rules() {
      const { groups } = (await ask('rules')) as { groups: readonly { rules: readonly RuleHealth[] }[] };
      return groups.flatMap((group) => group.rules);
    },
    formatted: async (expr) => (await ask('format_query', { query: expr })) as string,
    stderr: () => stderr,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Point = readonly [number, string];

function seriesOf(data: unknown): readonly Series[] {
  const { resultType, result } = data as { resultType: string; result: unknown };
  const number = ([at, value]: Point): readonly [number, number] => [at, numberOf(value)];
  if (resultType === 'scalar') return [{ metric: {}, points: [number(result as Point)] }];
  return (result as readonly { metric: Record<string, string>; value?: Point; values?: readonly Point[] }[]).map(
    ({ metric, value, values }) => ({ metric, points: (value === undefined ? (values ?? []) : [value]).map(number) }),
  );
}

/** Prometheus writes the infinite as +Inf. */
function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
