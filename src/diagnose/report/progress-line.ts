import type { Phase } from '../../detect/load-test/load-run.ts';
import type { CounterSample, LoadSample } from '../../detect/load-test/load-sample.ts';
import { grouped } from '../../detect/wording.ts';
import { clock } from './verdict-words.ts';

/**
 * What is going on now, as one line of printable ASCII for a terminal, without a line break: what matters least is left
 * out where it does not fit. Rates are those since the previous sample.
 *
 * @example progressLine(sample, previous, 'load') // 'load 4.2 s | 500 open, +820/s | queue 9 of 8 | target 0.99 cores'
 */
export function progressLine(sample: LoadSample, previous: LoadSample | undefined, phase: Phase, width = 79): string {
  let line = `${phase} ${clock(sample.atMs)}`;
  for (const part of partsOf(sample, previous)) {
    if (line.length + SEPARATOR.length + part.length > width) continue;
    line += SEPARATOR + part;
  }
  return line.slice(0, width);
}

const SEPARATOR = ' | ';

/** The most telling first. */
function partsOf({ table, target, generator, counters, atMs }: LoadSample, previous: LoadSample | undefined): string[] {
  const grown = (counter: keyof CounterSample): number =>
    Math.max(0, (counters[counter] ?? 0) - (previous?.counters[counter] ?? counters[counter] ?? 0));
  const seconds = previous === undefined ? 0 : (atMs - previous.atMs) / 1_000;
  const opened = seconds > 0 ? grown('passiveOpens') / seconds : 0;
  const events: string[] = [
    ...count(grown('listenOverflows'), 'overflows'),
    ...count(grown('resetsSent'), 'RST'),
    ...count(grown('retransmittedSegments'), 'sent again'),
  ];
  const open = table && Math.max(table.server.established, table.callers.established, table.outbound.established);
  const left = table && table.server.close_wait + table.outbound.close_wait;
  const queue = table?.acceptQueue;
  const [port] = table?.ports ?? [];
  return [
    open === undefined ? 'no table' : `${grouped(open)} open${opened > 0 ? `, +${grouped(opened)}/s` : ''}`,
    ...(queue === undefined || queue.connections === 0
      ? []
      : [`queue ${grouped(queue.connections)}${queue.limit === undefined ? '' : ` of ${grouped(queue.limit)}`}`]),
    ...events,
    ...(left === undefined ? [] : count(left, 'CLOSE_WAIT')).map((words) => words.replace('+', '')),
    ...cores('target', target?.cpuCores),
    ...cores('load', generator?.cpuCores),
    ...(port === undefined || port.limit === undefined || port.used < port.limit * PORTS_WORTH_SAYING
      ? []
      : [`ports ${grouped(port.used)} of ${grouped(port.limit)}`]),
  ];
}

/** Below this share of the range nobody need think of ports. */
const PORTS_WORTH_SAYING = 0.1;

function count(number: number, what: string): string[] {
  return number > 0 ? [`+${grouped(number)} ${what}`] : [];
}

function cores(who: string, used: number | undefined): string[] {
  return used === undefined ? [] : [`${who} ${(Math.round(used * 100) / 100).toFixed(2)} cores`];
}
