import { readFileSync } from 'node:fs';
import type { LoadProbe, LoadTarget } from '../detect/load-test/load-run.ts';
import { getText, type HttpText } from './http-text.ts';
import { insideSample } from './inside-sample.ts';
import { probeOf } from './probe.ts';

/** What was found by asking the target. */
export interface Inside {
  /** Where finwait inside the target answers; undefined where it does not. */
  readonly url: URL | undefined;
  /** What the port that is tested answers to one request of HTTP; undefined where it is none, or was not asked. */
  readonly probe: LoadProbe | undefined;
}

/** How to look for finwait inside the target. */
export interface FindInsideOptions {
  readonly target: LoadTarget;
  /** The ports that the target's processes listen on, those that are not tested included. */
  readonly held: readonly number[];
  /** Where the user says it answers. */
  readonly url: URL | undefined;
  /** Whether the port that is tested may be asked too. */
  readonly isProbing: boolean;
  readonly signal: AbortSignal;
}

/** A blocked event loop is a finding, not a reason to wait. */
const TIMEOUT_MS = 2_000;
/** Of finwait/register. */
const DEFAULT_PORT = 9464;

/**
 * Looks for finwait inside the target: at the address that the user gave, at the port that finwait/register has there
 * (FINWAIT_PORT of the process, else 9464), and at /metrics of the port that is tested, where an Express application has
 * it. The last is one request of HTTP, whose answer also tells whether the server keeps connections.
 */
export async function findInside(options: FindInsideOptions): Promise<Inside> {
  const { target, held, url, isProbing, signal } = options;
  const ask = (address: URL): Promise<HttpText | undefined> => {
    return getText(address, { timeoutMs: TIMEOUT_MS, keepsAlive: true, signal }).catch(() => undefined);
  };
  const [tested] = target.ports;
  const atTested = tested === undefined || !isProbing ? undefined : metricsAt(tested);
  const answer = atTested === undefined ? undefined : await ask(atTested);
  const probe = answer === undefined ? undefined : probeOf(answer);
  if (url !== undefined) return { url, probe };
  for (const port of registerPorts(target.pids, held)) {
    if (!held.includes(port) || port === tested) continue;
    const text = (await ask(metricsAt(port)))?.text;
    if (text !== undefined && insideSample(text) !== undefined) return { url: metricsAt(port), probe };
  }
  const isThere = answer !== undefined && insideSample(answer.text) !== undefined;
  return { url: isThere ? atTested : undefined, probe };
}

function metricsAt(port: number): URL {
  return new URL(`http://127.0.0.1:${port}/metrics`);
}

/** Where finwait/register may listen in these processes; 0 lets the kernel choose, so it may be any that they have. */
function registerPorts(pids: readonly number[], held: readonly number[]): readonly number[] {
  const ports = pids.flatMap((pid) => {
    try {
      const variables = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      const value = variables.find((variable) => variable.startsWith(VARIABLE))?.slice(VARIABLE.length);
      return value === '0' ? held : [Number(value)];
    } catch {
      // Another user's, or it has ended.
      return [];
    }
  });
  return [...new Set([...ports.filter((port) => port > 0), DEFAULT_PORT])];
}

const VARIABLE = 'FINWAIT_PORT=';
