import { readFileSync } from 'node:fs';
import type { LoadProbe } from '../detect/load-test/load-run.ts';
import { getText, type HttpText } from './http-text.ts';
import { insideSample } from './inside-sample.ts';
import { probeOf } from './probe.ts';

/** What was found by asking the target. */
export interface Inside {
  /** Where finwait inside the target answers; undefined where it does not. */
  readonly url: URL | undefined;
  /** The port that is there for finwait alone, if there is one. */
  readonly ownPort: number | undefined;
  /** What the port that is tested answers to one request of HTTP; undefined where it is none, or was not asked. */
  readonly probe: LoadProbe | undefined;
}

/** Where somebody listens, as one gets there from this host. */
export interface Place {
  readonly port: number;
  readonly address: string;
}

/** How to look for finwait inside the target. */
export interface FindInsideOptions {
  readonly pids: readonly number[];
  /** Where the ports that are tested are listened on. */
  readonly tested: readonly Place[];
  /** Where the target's processes listen, what is not tested included. */
  readonly held: readonly Place[];
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
export async function findInside({ pids, tested, held, url, isProbing, signal }: FindInsideOptions): Promise<Inside> {
  const ask = (address: URL): Promise<HttpText | undefined> =>
    getText(address, { timeoutMs: TIMEOUT_MS, keepsAlive: true, signal }).catch(() => undefined);
  const only = tested.every(({ port }) => port === tested[0]?.port) ? tested[0]?.port : undefined;
  let own: { readonly port: number; readonly url: URL } | undefined;
  for (const place of placesOfRegister(pids, held)) {
    if (own !== undefined || place.port === only) continue;
    if (url !== undefined) own = `${place.port}` === url.port ? { port: place.port, url } : undefined;
    else if (isFinwait(await ask(metricsAt(place)))) own = { port: place.port, url: metricsAt(place) };
  }
  const place = isProbing ? tested.find(({ port }) => port !== own?.port) : undefined;
  const answer = place === undefined ? undefined : await ask(metricsAt(place));
  const atTested = place !== undefined && isFinwait(answer) ? metricsAt(place) : undefined;
  return {
    url: url ?? own?.url ?? atTested,
    ownPort: own?.port,
    probe: answer === undefined ? undefined : probeOf(answer),
  };
}

function isFinwait(answer: HttpText | undefined): boolean {
  return answer !== undefined && insideSample(answer.text) !== undefined;
}

function metricsAt({ address, port }: Place): URL {
  return new URL(`http://${address.includes(':') ? `[${address}]` : address}:${port}/metrics`);
}

/** Where finwait/register may listen in these processes; 0 lets the kernel choose, so it may be any that they have. */
function placesOfRegister(pids: readonly number[], held: readonly Place[]): readonly Place[] {
  const ports = pids.flatMap((pid) => {
    try {
      const variables = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      const value = variables.find((variable) => variable.startsWith(VARIABLE))?.slice(VARIABLE.length);
      return value === '0' ? held.map(({ port }) => port) : [Number(value)];
    } catch {
      // Another user's, or it has ended.
      return [];
    }
  });
  return held.filter(({ port }) => port === DEFAULT_PORT || ports.includes(port));
}

const VARIABLE = 'FINWAIT_PORT=';
