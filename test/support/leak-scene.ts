// A scene of test/leaks under way: the program that leaks, what the kernel shows of it, and what finwait says of it.
import { fileURLToPath } from 'node:url';
import { DIVERGENCES, type Divergence, type LeakReport } from '../../src/detect/leaks/leak.ts';
import type { Verdict } from '../../src/detect/verdict.ts';
import type { Point } from '../../src/metrics/measure.ts';
import type { LeakingSockets, Scene } from '../leaks/scenes.ts';
import { SOCKETS } from '../leaks/scenes.ts';
import { createCertificate } from './certificate.ts';
import { homelessDescriptors, type JudgedRow, judge } from './leak-judge.ts';
import { Program } from './program.ts';
import { until } from './wait.ts';

/** The ports of a scene: that it listens at, and that its peer listens at. */
export interface ScenePorts {
  readonly server?: number;
  readonly upstream?: number;
}

/** What finwait says at one moment. */
export interface LeakAnswer {
  readonly report: LeakReport;
  /** How long `leaks()` took. */
  readonly tookMs: number;
  readonly metrics: Readonly<Record<string, readonly Point[]>>;
}

/** How a program of leak-*.mjs is run. */
export interface HostOptions {
  /** The folder of the built library; without it the program runs alone. */
  readonly library?: string | undefined;
  /** The monitor's. */
  readonly options?: object;
  readonly env?: Readonly<Record<string, string>>;
  readonly isNamespaced?: boolean | undefined;
  readonly sockets?: number;
  /** How many descriptors it may open. */
  readonly descriptors?: number;
}

/** The kernel's names of states, as ss prints them. */
const SS_STATES: Readonly<Record<string, string>> = {
  close_wait: 'CLOSE-WAIT',
  established: 'ESTAB',
  fin_wait_2: 'FIN-WAIT-2',
  last_ack: 'LAST-ACK',
  syn_sent: 'SYN-SENT',
};

/** Before the kernel has sent three times again, nobody is suspected of being gone. */
const HALF_OPEN_RETRANSMITS = 3;

const HOST = fileURLToPath(new URL('../fixtures/programs/leak-host.mjs', import.meta.url));
const TLS = JSON.stringify(createCertificate());

/** Starts a program that leaks. */
export function startHost(family: string, title: string, how: HostOptions = {}): Program {
  const { library, options = {}, env = {}, isNamespaced = false, sockets = SOCKETS, descriptors } = how;
  const namespace = isNamespaced ? ['unshare', '-rnm'] : [];
  const limits = descriptors === undefined ? [] : ['prlimit', `--nofile=${descriptors}`];
  return new Program([...namespace, ...limits, process.execPath, HOST, family, title, `${sockets}`], {
    PATH: process.env['PATH'] ?? '',
    LEAK_TLS: TLS,
    FINWAIT_CLIENTS: process.env['FINWAIT_CLIENTS'] ?? '',
    ...(library === undefined ? {} : { LEAK_DIST: library, LEAK_OPTIONS: JSON.stringify(options) }),
    ...env,
  });
}

/** What a program has said under a word, as soon as it has. Fails at once when it has ended without. */
export async function heard<T>(host: Program, word: string, deadlineMs?: number): Promise<T> {
  const pattern = new RegExp(`^${word} (.*)\\n`, 'm');
  let hasEnded = false;
  host.ended.finally(() => {
    hasEnded = true;
  });
  const said = (): string => JSON.stringify({ stdout: host.stdout, stderr: host.stderr });
  await until(
    () => hasEnded || pattern.test(host.stdout),
    () => `'${word}' in ${said()}`,
    deadlineMs,
  );
  const [, text] = pattern.exec(host.stdout) ?? [];
  if (text === undefined) throw new Error(`ended without '${word}': ${said()}`);
  return JSON.parse(text);
}

let questions = 0;

/** What finwait says now: of a table that is read for this, or of the newest that it has. */
export async function askLeaks(host: Program, table: 'leaks' | 'newest' = 'leaks'): Promise<LeakAnswer> {
  const question = `${table} ${++questions}`;
  host.tell(question);
  return heard(host, question);
}

/** What finwait advises. */
export async function askVerdicts(host: Program): Promise<readonly Verdict[]> {
  const question = `verdicts ${++questions}`;
  host.tell(question);
  return heard(host, question);
}

/** What ss shows of a scene: of each of its leaks, how many sockets are in that state in that way, and in that state at all. */
export async function shown(scene: Scene, pid: number, ports: ScenePorts): Promise<readonly [number, number][]> {
  const rows = await judge(pid, Object.values(ports), scene.isNamespaced === true);
  return Promise.all(
    scene.leaks.map(async (leak): Promise<[number, number]> => {
      if (leak.state === 'closed') {
        const homeless = await homelessDescriptors(pid);
        return [homeless, homeless];
      }
      const inState = rows.filter((row) => isOurs(row, leak, ports) && row.state === SS_STATES[leak.state]);
      return [inState.filter((row) => isAsExpected(row, leak)).length, inState.length];
    }),
  );
}

/** What finwait ought to say of a scene. */
export function expectedFindings(scene: Scene, ports: ScenePorts): Findings {
  const groups = scene.leaks.map((leak) => {
    const { state, cause, kind, side, request, isPaired } = leak;
    const other = scene.leaks.find((each) => each !== leak);
    return {
      ...{ state, cause, kind, side, name: nameOf(leak, ports), sockets: SOCKETS },
      requests: shares(request?.replace('PORT', `${ports.upstream}`)),
      pairedWith: shares(isPaired === true && other !== undefined ? nameOf(other, ports) : undefined),
    };
  });
  const hidden = scene.leaks.filter(({ cause }) => cause === 'unread_in_kernel' || cause === 'pooled_dead').length;
  return {
    groups: sorted(groups),
    divergent: {
      ...(Object.fromEntries(DIVERGENCES.map((kind) => [kind, 0])) as Record<Divergence, number>),
      js_open_kernel_close_wait: hidden * SOCKETS,
      ...scene.divergent,
    },
  };
}

/** The part of a report that a scene foresees. */
export interface Findings {
  readonly groups: readonly object[];
  readonly divergent: Readonly<Record<Divergence, number>>;
}

/** The same of what was reported. */
export function findingsOf({ groups, divergent }: LeakReport): Findings {
  return {
    groups: sorted(
      groups.map(({ state, cause, kind, side, name, sockets, requests, pairedWith }) => ({
        ...{ state, cause, kind, side, name, sockets },
        requests,
        pairedWith,
      })),
    ),
    divergent,
  };
}

/** The `name` label of a scene's sockets: nobody has given them another. */
export function nameOf({ side }: Pick<LeakingSockets, 'side'>, ports: ScenePorts): string {
  if (side === 'unknown') return '_untracked';
  return side === 'server' ? `${ports.server}` : `ip:${ports.upstream}`;
}

function shares(value: string | undefined): readonly object[] {
  return value === undefined ? [] : [{ value, sockets: SOCKETS }];
}

function sorted<T extends { readonly side: string }>(groups: readonly T[]): readonly T[] {
  return [...groups].sort((one, other) => one.side.localeCompare(other.side));
}

function isOurs(row: JudgedRow, { side }: LeakingSockets, { server, upstream }: ScenePorts): boolean {
  return side === 'client' ? row.peerPort === upstream : row.localPort === server;
}

function isAsExpected(row: JudgedRow, leak: LeakingSockets): boolean {
  if (leak.cause === 'half_open' && row.retransmits < HALF_OPEN_RETRANSMITS) return false;
  return row.isHeld === (leak.isOrphan === undefined) && QUEUED[leak.queued ?? 'anything'](row);
}

const QUEUED: Readonly<Record<NonNullable<LeakingSockets['queued']> | 'anything', (row: JudgedRow) => boolean>> = {
  anything: () => true,
  nothing: ({ receiveQueue, sendQueue }) => receiveQueue === 0 && sendQueue === 0,
  fin: ({ receiveQueue }) => receiveQueue === 1,
  received: ({ receiveQueue }) => receiveQueue > 1,
  sent: ({ receiveQueue, sendQueue }) => receiveQueue === 0 && sendQueue > 0,
};
