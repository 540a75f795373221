import { printable } from '../../detect/leaks/printable.ts';
import { LIMITS } from '../../detect/load-test/finding.ts';
import type { LoadRun } from '../../detect/load-test/load-run.ts';
import { duration, grouped } from '../../detect/wording.ts';
import { wrapped } from '../../detect/wrapped.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { type FindingNode, findingTree } from './finding-tree.ts';
import { mainNumbers, type NumberRow } from './main-numbers.ts';
import { shownCommand } from './shown-command.ts';
import { inUnit } from './unit.ts';
import {
  clock,
  commandEnd,
  headlineOf,
  impactWords,
  reservations,
  SCOPE_WORDS,
  targetWords,
  upperFirst,
  whenWords,
} from './verdict-words.ts';

/** How the report is laid out for a terminal. */
export interface TextReportStyle {
  /** Columns, 60 to 1,000. @default 100 */
  readonly width?: number | undefined;
  /** Whether headlines stand out by ANSI escape sequences. @default false */
  readonly color?: boolean | undefined;
}

/**
 * A diagnosis for a person at a terminal, or to be pasted: the limit, each finding with its evidence and what to change,
 * and the numbers of the run. Printable ASCII and newlines.
 *
 * @example process.stdout.write(textReport(diagnosis, { width: process.stdout.columns }))
 */
export function textReport(diagnosis: Diagnosis, { width = 100, color = false }: TextReportStyle = {}): string {
  const { run, findings, cost } = diagnosis;
  const paint: Paint = color ? (code, text) => `\x1b[${code}m${text}\x1b[0m` : (_code, text) => text;
  const columns = Math.max(60, Math.min(1_000, width));
  const headline = wrapped(safe(headlineOf(diagnosis)), columns, '').map((line) =>
    paint(findings.length === 0 ? GREEN : BOLD, line),
  );
  const doubts = reservations(run);
  const lines = [
    ...headline,
    '',
    ...aboutRun(diagnosis, columns),
    ...findingTree(findings).flatMap((node) => ['', ...findingLines(node, columns, '', paint)]),
    '',
    ...numberLines(run, columns, paint),
    ...(doubts.length === 0 ? [] : ['', paint(BOLD, 'To be known when reading this')]),
    ...doubts.flatMap((doubt) => wrapped(safe(doubt), columns, '  ', '- ')),
    '',
    ...wrapped(
      `Looking cost ${inUnit(cost.cpuCores, 'cores')} of a core: ${grouped(cost.samples)} looks, one every ${duration(cost.medianIntervalMs)}.`,
      columns,
      '',
    ),
  ];
  return `${lines.join('\n')}\n`;
}

type Paint = (code: number, text: string) => string;

const BOLD = 1;
const GREEN = 32;
const YELLOW = 33;

function aboutRun({ finwait, startedAt, run }: Diagnosis, width: number): string[] {
  const { command, probe } = run;
  const target = targetWords(run);
  return [
    ...(target === '' ? [] : wrapped(safe(target), width, '         ', 'Target:  ')),
    ...(command === undefined
      ? ['Load:    made by somebody else']
      : wrapped(safe(`${shownCommand(command.argv)} (${commandEnd(command)})`), width, '         ', 'Load:    ')),
    ...(probe === undefined
      ? []
      : wrapped(
          `HTTP ${probe.status}, ${probe.keepsConnection ? 'keeps the connection' : 'closes the connection'}${probe.keepAliveSeconds === undefined ? '' : `, timeout=${probe.keepAliveSeconds}`}`,
          width,
          '         ',
          'Answer:  ',
        )),
    `Seen:    ${safe(startedAt)}, by finwait ${safe(finwait)} from outside${run.samples.some(({ inside }) => inside !== undefined) ? ' and from inside' : ''}`,
  ];
}

function findingLines(
  { number, finding, consequences }: FindingNode,
  width: number,
  indent: string,
  paint: Paint,
): string[] {
  const { kind, confidence, sentence, evidence, advice } = finding;
  const inner = `${indent}   `;
  const title = `${LIMITS[kind].title} (${confidence}; ${impactWords(finding)}; ${whenWords(finding)})`;
  const names = Math.min(MAX_CELL, Math.max(0, ...evidence.map(({ what }) => printable(what, MAX_CELL).length)));
  return [
    ...wrapped(title, width, inner, `${indent}${number}. `).map((line) => paint(YELLOW, line)),
    // The first line of the report has said it.
    ...(number === 1 ? [] : wrapped(safe(upperFirst(sentence)), width, inner, inner)),
    ...(evidence.length === 0 ? [] : [`${inner}Evidence`]),
    ...evidence.flatMap(({ what, value, scope }) => {
      const first = `${inner}  ${printable(what, MAX_CELL).padEnd(names)}  `;
      return wrapped(`${safe(value)} [${SCOPE_WORDS[scope]}]`, width, ' '.repeat(first.length), first);
    }),
    ...advice
      .flatMap((fix, index) =>
        wrapped(safe(fix), width, `${inner}       `, `${inner}${index === 0 ? 'Fix: ' : '     '}- `),
      )
      .map((line, index) => (index === 0 ? line.replace('Fix:', paint(GREEN, 'Fix:')) : line)),
    ...(consequences.length === 0 ? [] : [`${inner}Goes with it:`]),
    ...consequences.flatMap((node) => findingLines(node, width, inner, paint)),
  ];
}

/** The numbers of the run, one line each. */
function numberLines(run: LoadRun, width: number, paint: Paint): string[] {
  const groups = mainNumbers(run);
  if (groups.length === 0) return ['No numbers: nothing could be looked at.'];
  const { before, load, after } = run.phases;
  const heads = [
    ['before', 'load, mean', 'load, peak', 'end'],
    [spanWords(before), spanWords(load), '', spanWords(after)],
  ];
  const cells = (row: NumberRow): string[] => [
    shown(row.before, row),
    shown(row.loadMean, row),
    shown(row.loadPeak, row) + (row.limit === undefined ? '' : ` of ${inUnit(row.limit, row.unit)}`),
    shown(row.end, row),
  ];
  const all = [...heads, ...groups.flatMap(({ rows }) => rows.map(cells))];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const rest = widths.reduce((sum, each) => sum + each + 2, 0);
  const names = Math.max(
    20,
    Math.min(width - rest, Math.max(...groups.flatMap(({ rows }) => rows.map((row) => nameOf(row).length + 2)))),
  );
  const line = (name: string, row: readonly string[]): string =>
    `${printable(name, names).padEnd(names)}${row.map((cell, column) => `  ${cell.padStart(widths[column] ?? 0)}`).join('')}`.trimEnd();
  const isShared = groups.some(({ rows }) => rows.some(({ scope }) => scope === 'namespace'));
  return [
    paint(BOLD, line('The run', heads[0] ?? [])),
    line('', heads[1] ?? []),
    ...groups.flatMap(({ title, rows }) => [title, ...rows.map((row) => line(`  ${nameOf(row)}`, cells(row)))]),
    ...(isShared ? wrapped('* counted for the whole network namespace, whoever caused it', width, '') : []),
    ...wrapped(
      'States that are not listed were empty at these times. Before and end: the last look, of rates the mean.',
      width,
      '',
    ),
  ];
}

function nameOf({ name, scope }: NumberRow): string {
  return scope === 'namespace' ? `${name} *` : name;
}

function shown(value: number | undefined, { unit }: NumberRow): string {
  return value === undefined ? '-' : inUnit(value, unit);
}

function spanWords({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): string {
  return toMs > fromMs ? `${clock(fromMs)} - ${clock(toMs)}` : 'none';
}

/** Longer than any sentence of ours. */
const MAX_TEXT = 1_000;
const MAX_CELL = 60;

function safe(text: string): string {
  return printable(text, MAX_TEXT);
}
