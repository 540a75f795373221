import { closeSync, openSync, readlinkSync, writeFileSync } from 'node:fs';
import type { LimitKind } from '../detect/load-test/finding.ts';
import { findingsOf } from '../detect/load-test/findings.ts';
import type { LoadTarget, Phase } from '../detect/load-test/load-run.ts';
import type { LoadSample } from '../detect/load-test/load-sample.ts';
import { DIAGNOSIS_FORMAT, type Diagnosis } from '../diagnose/diagnosis.ts';
import { type FindInsideOptions, findInside } from '../diagnose/find-inside.ts';
import { type FoundTarget, findTarget, type ListenerRow, type TargetWorld } from '../diagnose/find-target.ts';
import { InsideWatch } from '../diagnose/inside-watch.ts';
import { record } from '../diagnose/record.ts';
import { htmlReport } from '../diagnose/report/html-report.ts';
import { progressLine } from '../diagnose/report/progress-line.ts';
import { textReport } from '../diagnose/report/text-report.ts';
import { clearInterval, setInterval } from '../globals.ts';
import { findSocketOwners, readSocketInodes } from '../kernel/procfs/process-sockets.ts';
import { readParent, readProcessTree, readTitle } from '../kernel/procfs/process-tree.ts';
import { SourceChain } from '../kernel/source-chain.ts';
import { addressText, isWildcard, TUPLE } from '../sockets/tuple.ts';
import { STATE } from '../tcp/state.ts';
import { VERSION } from '../version.ts';
import type { CommandContext } from './command-line.ts';
import { EXIT } from './exit-code.ts';
import { exitCodeOf, LoadCommand } from './load-command.ts';

/** What the user asked for. */
export interface DiagnoseRequest {
  /** Empty where somebody else makes the load; then there is a duration. */
  readonly argv: readonly string[];
  readonly ports: readonly number[];
  readonly pid: number | undefined;
  readonly durationMs: number | undefined;
  readonly settleMs: number;
  readonly url: URL | undefined;
  readonly isProbing: boolean;
  readonly html: string | undefined;
  /** `-` for stdout. */
  readonly json: string | undefined;
  readonly failOn: readonly LimitKind[];
  readonly isQuiet: boolean;
}

/** Four looks a second, as far as a quarter of one core allows. */
const INTERVAL_MS = 250;
const SHARE = 0.25;
/** Between two lines of progress. */
const PROGRESS_MS = 2_000;
/** So long a table may take that is to tell who listens. */
const TABLE_TIMEOUT_MS = 10_000;

/** Runs a diagnosis to its end, and returns the exit code. Leaves no process behind, also when it is interrupted. */
export async function diagnose(context: CommandContext, request: DiagnoseRequest): Promise<number> {
  const interrupt = new AbortController();
  let command: LoadCommand | undefined;
  let interruptedBy: NodeJS.Signals | undefined;
  let ending: Promise<void> | undefined;
  const stopListening = context.onSignal((signal) => {
    // Whoever asks twice has waited long enough.
    if (interruptedBy !== undefined) command?.kill();
    interruptedBy ??= signal;
    ending ??= command?.end(signal);
    interrupt.abort();
  });
  // Readers of the kernel's table keep nothing alive.
  const holdsAlive = setInterval(() => undefined, 60_000);
  const chain = new SourceChain();
  try {
    const found = await findIt(chain, request);
    if (!found.ok) {
      context.complain(`finwait: ${found.problem}\n`);
      return EXIT.failed;
    }
    const { url, ownPort, probe } = await findInside({
      pids: found.target.pids,
      tested: found.tested,
      held: found.held,
      url: request.url,
      isProbing: request.isProbing,
      signal: interrupt.signal,
    });
    if (found.tested.length > 0 && request.isProbing && probe === undefined && !(await findIt(chain, request)).ok) {
      context.complain(
        'finwait: the server went away when it was asked for /metrics: start it again, and use --no-probe\n',
      );
      return EXIT.failed;
    }
    for (const { path } of filesOf(request)) {
      // Nobody wants to hear of it after an hour of load.
      if (!isDone(context, path, () => closeSync(openSync(path, 'a')))) return EXIT.failed;
    }
    const target = withoutPort(found.target, request.ports, ownPort);
    const inside = url && new InsideWatch(url, interrupt.signal);
    if (!request.isQuiet) context.complain(opening(target.ports, target.pids, url, request));
    const startedAt = new Date().toISOString();
    const toStdout = request.json === '-';
    const { run, cost } = await record({
      target,
      chain,
      load:
        request.durationMs === undefined
          ? {
              kind: 'command',
              argv: request.argv,
              start: () => {
                command = new LoadCommand({ argv: request.argv, isQuietOnStdout: toStdout });
                return command.running;
              },
            }
          : { kind: 'duration', durationMs: request.durationMs },
      inside,
      probe,
      notes: found.notes,
      intervalMs: INTERVAL_MS,
      share: SHARE,
      settleMs: request.settleMs,
      interrupt: interrupt.signal,
      onLook: request.isQuiet ? () => undefined : progress(context, inside),
    });
    await ending;
    const diagnosis: Diagnosis = {
      format: DIAGNOSIS_FORMAT,
      finwait: VERSION,
      startedAt,
      findings: findingsOf(run),
      run,
      cost,
    };
    const written = writeReports(context, request, diagnosis);
    if (command?.failure !== undefined) context.complain(`finwait: ${command.failure}\n`);
    if (interruptedBy !== undefined) return exitCodeOf({ signal: interruptedBy });
    const code = run.command === undefined ? EXIT.done : exitCodeOf(run.command);
    if (code !== EXIT.done) return code;
    if (!written) return EXIT.failed;
    return diagnosis.findings.some(({ kind }) => request.failOn.includes(kind)) ? EXIT.found : EXIT.done;
  } finally {
    stopListening();
    clearInterval(holdsAlive);
    chain.close();
    if (interruptedBy !== undefined) command?.kill();
  }
}

/** The port that finwait itself has is not tested, unless somebody asks for it or there is nothing else. */
function withoutPort(target: LoadTarget, asked: readonly number[], ownPort: number | undefined): LoadTarget {
  if (asked.length > 0 || target.ports.length < 2) return target;
  return { ...target, ports: target.ports.filter((port) => port !== ownPort) };
}

type Found = FoundTarget & Pick<FindInsideOptions, 'tested' | 'held'>;

async function findIt(chain: SourceChain, { ports, pid }: DiagnoseRequest): Promise<Found> {
  if (process.platform !== 'linux') {
    return {
      ok: false,
      tested: [],
      held: [],
      problem: `this needs the socket table of Linux, and here is ${process.platform}`,
    };
  }
  const listeners: ListenerRow[] = [];
  const { table, failures } = await chain.read({
    timeoutMs: TABLE_TIMEOUT_MS,
    expectedRows: 0,
    signal: new AbortController().signal,
    begin: () => {
      listeners.length = 0;
      return {
        wants: (state) => state === STATE.LISTEN,
        add: ({ tuple, inode }) => {
          const port = tuple[TUPLE.localPort] as number;
          listeners.push({ port, address: reachableAddress(tuple), inode });
        },
      };
    },
  });
  if (table === undefined) {
    const why = failures.map(({ source, reason, detail }) => `${source}: ${reason} (${detail})`).join('; ');
    return { ok: false, tested: [], held: [], problem: `the kernel's table of sockets cannot be read: ${why}` };
  }
  const found = findTarget({ ports, pid }, worldOf(listeners));
  if (!found.ok) return { ...found, tested: [], held: [] };
  const inodes = new Set(found.target.pids.flatMap((each) => [...(readSocketInodes(each) ?? [])]));
  const held = listeners.filter(({ inode }) => inodes.has(inode));
  const tested = (held.length > 0 ? held : listeners).filter(({ port }) => found.target.ports.includes(port));
  return { ...found, tested, held };
}

/** A wildcard is reached by IPv4, also that of IPv6: in a container the loopback has often no ::1. */
function reachableAddress(tuple: Uint32Array): string {
  return isWildcard(tuple, TUPLE.localAddress) ? '127.0.0.1' : addressText(tuple, TUPLE.localAddress);
}

function worldOf(listeners: readonly ListenerRow[]): TargetWorld {
  return {
    listeners,
    findOwners: (inodes) => findSocketOwners(inodes),
    // A shell or a supervisor that is watched may have started us, and then the load too.
    tree: (pid) => readProcessTree(pid, process.pid),
    inodesOf: (pid) => readSocketInodes(pid),
    titleOf: (pid) => readTitle(pid),
    parentOf: (pid) => readParent(pid),
    isElsewhere: (pid) => {
      try {
        return readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net');
      } catch {
        // Another user's.
        return undefined;
      }
    },
  };
}

function opening(
  ports: readonly number[],
  pids: readonly number[],
  inside: URL | undefined,
  { durationMs }: DiagnoseRequest,
): string {
  const where = ports.length === 0 ? 'no port' : `port ${ports.join(', ')}`;
  const who = pids.length === 0 ? '' : `, process ${pids.join(', ')}`;
  const how = inside === undefined ? 'from outside' : `from outside and by ${inside.href}`;
  const long = durationMs === undefined ? '' : ` for ${durationMs / 1_000} s`;
  return `finwait: watching ${where}${who} ${how}${long}\n`;
}

function progress(
  { complain }: CommandContext,
  inside: InsideWatch | undefined,
): (sample: LoadSample, phase: Phase) => void {
  let previous: LoadSample | undefined;
  let saidPhase: Phase | undefined;
  return (sample, phase) => {
    if (previous === undefined && inside?.failure !== undefined) {
      complain(`finwait: finwait in the target does not answer so far: ${inside.failure}\n`);
    }
    if (phase === saidPhase && previous !== undefined && sample.atMs - previous.atMs < PROGRESS_MS) return;
    complain(`finwait: ${progressLine(sample, previous, phase)}\n`);
    previous = sample;
    saidPhase = phase;
  };
}

/** Writes what was asked for, and says so. Returns whether all could be written. */
function writeReports(context: CommandContext, request: DiagnoseRequest, diagnosis: Diagnosis): boolean {
  const isJsonOnStdout = request.json === '-';
  const print = isJsonOnStdout ? context.complain : context.say;
  print(`\n${textReport(diagnosis)}`);
  if (isJsonOnStdout) context.say(jsonText(diagnosis));
  let areWritten = true;
  for (const { path, textOf } of filesOf(request)) {
    if (isDone(context, path, () => writeFileSync(path, textOf(diagnosis))))
      context.complain(`finwait: wrote ${path}\n`);
    else areWritten = false;
  }
  return areWritten;
}

interface ReportFile {
  readonly path: string;
  readonly textOf: (diagnosis: Diagnosis) => string;
}

function filesOf({ json, html }: DiagnoseRequest): readonly ReportFile[] {
  const files: ReportFile[] = [];
  if (json !== undefined && json !== '-') files.push({ path: json, textOf: jsonText });
  if (html !== undefined) files.push({ path: html, textOf: htmlReport });
  return files;
}

function jsonText(diagnosis: Diagnosis): string {
  return `${JSON.stringify(diagnosis)}\n`;
}

/** Whether a file could be opened or written; says why not. */
function isDone({ complain }: CommandContext, path: string, act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    complain(`finwait: ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}
