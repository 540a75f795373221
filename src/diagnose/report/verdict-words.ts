import { type Confidence, type Evidence, type Finding, LIMITS } from '../../detect/load-test/finding.ts';
import type { LoadRun } from '../../detect/load-test/load-run.ts';
import { counted, duration } from '../../detect/wording.ts';
import type { Diagnosis } from '../diagnosis.ts';

/** The first line of every report: what limited the test, or that nothing was found and what was looked at. */
export function headlineOf(diagnosis: Diagnosis): string {
  const [first] = diagnosis.findings;
  if (first === undefined) return `Nothing found: ${lookedAt(diagnosis.run)}`;
  return `Limit: ${lowerFirst(LIMITS[first.kind].title)}. ${upperFirst(first.sentence)}`;
}

/** `none of 17 known limits in 10 s of load and 52 looks at connections by state, the accept queue, ...`. */
export function lookedAt(run: LoadRun): string {
  const { phases, samples } = run;
  const loadMs = Math.max(0, phases.load.toMs - phases.load.fromMs);
  const looks = counted(samples.length, 'look');
  const seen = subjectsOf(run);
  const subjects = seen.length === 0 ? 'nothing could be looked at' : `${looks} at ${listed(seen)}`;
  if (loadMs === 0) return `no load had begun; ${subjects}.`;
  return `no known limit was reached in ${duration(loadMs)} of load; ${subjects}.`;
}

/** What a run has numbers of. */
function subjectsOf({ samples, probe }: LoadRun): string[] {
  const has = (is: (sample: LoadRun['samples'][number]) => boolean): boolean => samples.some(is);
  return [
    ...(has(({ table }) => table !== undefined) ? ['connections by state', 'bytes that wait', 'local ports'] : []),
    ...(has(({ table }) => table?.acceptQueue !== undefined) ? ['the accept queue'] : []),
    ...(has(({ counters }) => Object.keys(counters).length > 0) ? ["the kernel's counters"] : []),
    ...(has(({ target }) => target !== undefined) ? ["the target's processor time and descriptors"] : []),
    ...(has(({ generator }) => generator !== undefined) ? ["the load generator's"] : []),
    ...(has(({ inside }) => inside !== undefined) ? ['what finwait inside the target says'] : []),
    ...(probe === undefined ? [] : ['one answer of the target']),
  ];
}

/** How sure, in words for whoever reads them for the first time. */
export const CONFIDENCE_WORDS: { readonly [confidence in Confidence]: string } = {
  proven: 'proven: it was seen as such',
  likely: 'likely: the best explanation of what was seen',
  possible: 'possible: one of several explanations',
};

/** Whose number an evidence is. */
export const SCOPE_WORDS: { readonly [scope in Evidence['scope']]: string } = {
  target: 'target',
  generator: 'load generator',
  namespace: 'whole network namespace',
};

/** Below this an impact says what could be better, not what went wrong. */
const SPOILED = 0.2;

/** Whether a finding says what went wrong, and not only what could be better. */
export function isSpoiled({ impact }: Finding): boolean {
  return impact >= SPOILED;
}

/** How much of a test was spoiled, from this on, and in words: the number is an estimate, and orders more than it measures. */
const SPOILED_WORDS: readonly { readonly from: number; readonly words: string }[] = [
  { from: 0.6, words: 'spoiled most of the test' },
  { from: 0.35, words: 'spoiled part of the test' },
  { from: SPOILED, words: 'spoiled a little of the test' },
  { from: 0, words: 'lost nothing, or little' },
];

/** `spoiled part of the test`. */
export function impactWords({ impact }: Finding): string {
  return SPOILED_WORDS.find(({ from }) => impact >= from)?.words ?? 'lost nothing, or little';
}

/** `from 2.1 s to 9.8 s`, in the time of the recording. */
export function whenWords({ seen }: Finding): string {
  if (seen === undefined) return 'throughout';
  if (seen.toMs <= seen.fromMs) return `at ${clock(seen.fromMs)}`;
  return `from ${clock(seen.fromMs)} to ${clock(seen.toMs)}`;
}

/** A moment of a recording: `0 s`, `2.1 s`, `3 min`. */
export function clock(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms / 100) / 10} s` : duration(ms);
}

/** What is less than it might be about a run, one sentence each: the notes, and tables that were missing or doubtful. */
export function reservations(run: LoadRun): string[] {
  const { samples, notes, isInterrupted, isQuiet } = run;
  const without = samples.filter(({ table }) => table === undefined).length;
  const doubtful = samples.filter(({ table }) => table !== undefined && table.degraded.length > 0);
  const reasons = [...new Set(doubtful.flatMap(({ table }) => table?.degraded ?? []))];
  return [
    ...(isInterrupted ? ['The recording was ended early: what would have come later is not known.'] : []),
    ...(isQuiet || isInterrupted
      ? []
      : ['The connections had not come to rest at the end: what was left then may have gone later.']),
    ...(without > 0 ? [`${without} of ${counted(samples.length, 'look')} had no table of the kernel.`] : []),
    ...(doubtful.length > 0
      ? [
          `${doubtful.length} of ${counted(samples.length, 'table')} ${doubtful.length === 1 ? 'is' : 'are'} doubtful: ${listed(reasons)}.`,
        ]
      : []),
    ...notes,
  ];
}

/** `node server.js, pid 4242, port 3000`. */
export function targetWords({ target }: LoadRun): string {
  const { title, pids, ports } = target;
  const shown = pids.slice(0, MAX_PIDS).join(', ');
  const more = pids.length > MAX_PIDS ? ` and ${pids.length - MAX_PIDS} more` : '';
  return [
    ...(title === undefined ? [] : [title]),
    ...(pids.length === 0 ? [] : [`${pids.length === 1 ? 'pid' : 'pids'} ${shown}${more}`]),
    ...(ports.length === 0 ? [] : [`${ports.length === 1 ? 'port' : 'ports'} ${ports.join(', ')}`]),
  ].join(', ');
}

const MAX_PIDS = 8;

/** How the command that made the load ended. */
export function commandEnd({ exitCode, signal }: NonNullable<LoadRun['command']>): string {
  if (signal !== undefined) return `ended by ${signal}`;
  return exitCode === undefined ? 'still running' : `exit code ${exitCode}`;
}

/** `a, b and c`. */
function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** As it stands inside a sentence; `SYNs` stays. */
export function lowerFirst(text: string): string {
  return /^.[A-Z]/.test(text) ? text : `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;
}

/** As it stands at the begin of a sentence; a setting such as `net.core.somaxconn` stays. */
export function upperFirst(text: string): string {
  return /^[a-z]+[ ,']/.test(text) ? `${text.slice(0, 1).toUpperCase()}${text.slice(1)}` : text;
}
