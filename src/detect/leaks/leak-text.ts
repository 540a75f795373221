import type { StateLabel } from '../../tcp/state.ts';
import { counted, duration, grouped } from '../wording.ts';
import { wrapped } from '../wrapped.ts';
import { CLOSE_WAIT_CAUSES, type LeakGroup, type LeakReport } from './leak.ts';
import { printable, shortened } from './printable.ts';
import { sampleTable } from './sample-table.ts';

/** How a report is laid out for a terminal. */
export interface LeakTextStyle {
  /** Columns, 20 to 1,000. @default 100 */
  readonly width?: number | undefined;
  /** Whether headlines stand out by ANSI escape sequences. @default false */
  readonly color?: boolean | undefined;
}

/** A log line is cut to this many characters. */
const LEAK_LINE_LIMIT = 500;

/** A terminal's text stays below this many bytes, its colours included. */
const LEAK_TEXT_LIMIT = 4_096;

/**
 * A report as one line for a log: the numbers, the largest group's sentence and first advice, and how many more groups
 * there are. At most 500 printable ASCII characters.
 */
export function leakLine(report: LeakReport): string {
  const largest = report.groups[0];
  if (largest === undefined) return shortened(calm(report), LEAK_LINE_LIMIT);
  const groups = report.groups.length + report.groupsOmitted;
  const numbers = `leaked_sockets=${report.sockets} groups=${groups} cause=${printable(largest.cause, MAX_CAUSE)}`;
  const more = groups > 1 ? ` And ${counted(groups - 1, 'more group')}.` : '';
  return `${shortened(`${numbers}: ${leakGroupLine(largest)}`, LEAK_LINE_LIMIT - more.length)}${more}`;
}

/** One group as one line for a log, its first advice included. At most 500 printable ASCII characters. */
export function leakGroupLine(group: LeakGroup): string {
  const [fix] = group.fix;
  const advice = fix === undefined ? '' : ` Fix: ${printable(fix, MAX_SENTENCE)}`;
  return shortened(`${sentenceOf(group)}${advice}`, LEAK_LINE_LIMIT);
}

/**
 * A report for a person at a terminal: totals, and of each group its headline, what has happened, what to change and some
 * sockets. Printable ASCII and newlines, and below 4 kB whatever the report: the largest group is there in full, then come the
 * headlines of others, then their advice as far as it fits.
 */
export function leakText(report: LeakReport, { width = 100, color = false }: LeakTextStyle = {}): string {
  if (report.groups.length === 0) return `${wrapped(calm(report), width, '').join('\n')}\n`;
  const paint: Paint = color ? (code, text) => `\x1b[${code}m${text}\x1b[0m` : (_code, text) => text;
  const head = headOf(report, width).map((line, index) => (index === 0 ? paint(BOLD, line) : line));
  const depths = new Map<LeakGroup, Depth>();
  const lines = (): string[] => [
    ...head,
    ...report.groups.flatMap((group, index) => {
      const depth = depths.get(group);
      return depth === undefined ? [] : ['', ...groupLines(group, index + 1, depth, width, paint)];
    }),
    ...restOf(report, [...depths.keys()], width),
    '',
  ];
  for (const [group, depth] of wishes(report.groups)) {
    const before = depths.get(group);
    depths.set(group, depth);
    if (lines().join('\n').length < LEAK_TEXT_LIMIT) continue;
    if (before === undefined) depths.delete(group);
    else depths.set(group, before);
  }
  return lines().join('\n');
}

type Paint = (code: number, text: string) => string;

const BOLD = 1;
const YELLOW = 33;
const GREEN = 32;

/** How much of a group is shown. */
type Depth = 'headline' | 'advice' | 'samples';

/** What to show, the most wanted first: no wish later in the list may take the place of an earlier one. */
function wishes(groups: readonly LeakGroup[]): (readonly [LeakGroup, Depth])[] {
  const [first, ...others] = groups.slice(0, MAX_GROUPS);
  if (first === undefined) return [];
  return [
    ...DEPTHS.map((depth) => [first, depth] as const),
    ...DEPTHS.flatMap((depth) => others.map((group) => [group, depth] as const)),
  ];
}

const DEPTHS: readonly Depth[] = ['headline', 'advice', 'samples'];

/** Beyond these nobody reads on. */
const MAX_GROUPS = 8;
const MAX_SAMPLES = 4;
/** In characters: so large that no words of ours are cut, so small that the largest group fits. */
const MAX_CAUSE = 40;
const MAX_SENTENCE = 320;
const MAX_FIXES = 4;

function groupLines(group: LeakGroup, number: number, depth: Depth, width: number, paint: Paint): string[] {
  const title = wrapped(printable(group.headline, MAX_SENTENCE), width, INDENT, `${number}. `);
  const headline = title.map((line) => paint(YELLOW, line));
  if (depth === 'headline') return headline;
  const meaning = number === 1 ? MEANINGS[group.state] : undefined;
  const advice = [
    ...(meaning === undefined ? [] : wrapped(`${meaning}.`, width, INDENT, INDENT)),
    ...wrapped(`${printable(group.explanation, MAX_SENTENCE)}.`, width, '        ', '   Why: '),
    ...group.fix
      .slice(0, MAX_FIXES)
      .flatMap((fix, index) =>
        wrapped(printable(fix, MAX_SENTENCE), width, '          ', index === 0 ? '   Fix: - ' : '        - '),
      )
      .map((line, index) => (index === 0 ? line.replace('Fix:', paint(GREEN, 'Fix:')) : line)),
  ];
  if (depth === 'advice' || group.samples.length === 0) return [...headline, ...advice];
  const table = sampleTable(group.samples.slice(0, MAX_SAMPLES), width - INDENT.length);
  return [...headline, ...advice, ...table.map((line) => `${INDENT}${line}`)];
}

const INDENT = '   ';

/** What a state means to whoever has never met it; said once, of the largest group. */
const MEANINGS: { readonly [state in StateLabel]?: string } = {
  close_wait: 'CLOSE_WAIT: the other side has hung up, and this process has not',
  fin_wait_2: 'FIN_WAIT_2: this process has hung up, and the other side has not',
  last_ack: 'LAST_ACK: both sides have hung up, and the other side does not confirm it',
  closing: 'CLOSING: both sides have hung up, and the other side does not confirm it',
  syn_sent: 'SYN_SENT: this process calls, and nobody answers',
};

function headOf(report: LeakReport, width: number): string[] {
  const groups = report.groups.length + report.groupsOmitted;
  const totals = `${counted(report.sockets, 'leaked socket')} in ${counted(groups, 'group')}, ${freshness(report)}`;
  return [...wrapped(totals, width, ''), ...closeWaitTotals(report).flatMap((line) => wrapped(line, width, '  '))];
}

/** By cause: what the metric close_wait_sockets shows. */
function closeWaitTotals({ closeWait }: LeakReport): string[] {
  const shares = CLOSE_WAIT_CAUSES.filter((cause) => closeWait[cause] > 0);
  if (shares.length === 0) return [];
  return [
    `CLOSE_WAIT now, leaked or not: ${shares.map((cause) => `${grouped(closeWait[cause])} ${cause}`).join(', ')}`,
  ];
}

function restOf(report: LeakReport, shown: readonly LeakGroup[], width: number): string[] {
  const hidden = report.groups.length + report.groupsOmitted - shown.length;
  if (hidden <= 0) return [];
  const sockets = shown.reduce((left, group) => left - group.sockets, report.sockets);
  return [
    '',
    ...wrapped(`And ${counted(hidden, 'more group')}, with ${counted(Math.max(0, sockets), 'socket')}.`, width, ''),
  ];
}

/** Nothing leaks, as far as is known. */
function calm(report: LeakReport): string {
  const others = CLOSE_WAIT_CAUSES.reduce((sum, cause) => sum + report.closeWait[cause], 0);
  const inCloseWait = others === 0 ? '' : ` ${counted(others, 'socket')} in CLOSE_WAIT, none leaked.`;
  if (report.ageMs === undefined) return `No leaks known: ${freshness(report)}.`;
  return `No socket leaks: ${freshness(report)}.${inCloseWait}`;
}

function freshness({ ageMs }: LeakReport): string {
  return ageMs === undefined
    ? 'no table of the kernel that can be trusted has been read yet'
    : `as of the kernel's table ${duration(ageMs)} ago`;
}

function sentenceOf({ headline, explanation }: LeakGroup): string {
  return `${printable(headline, MAX_SENTENCE)}: ${printable(explanation, MAX_SENTENCE)}.`;
}
