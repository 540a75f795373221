import type { LeakGroup, LeakReport } from '../detect/leaks/leak.ts';
import { type LeakTextStyle, leakGroupLine, leakLine, leakText } from '../detect/leaks/leak-text.ts';
import { refuseUnknownKeys, refuseUnlessWithin, show } from './options.ts';

/** Options of {@link formatLeaks}. */
export interface FormatLeaksOptions extends LeakTextStyle {
  /**
   * `line`: one line for a log, at most 500 characters. `terminal`: for a person, with samples, below 4 kB. `width` and
   * `color` are for a terminal. @default 'terminal'
   */
  readonly style?: 'line' | 'terminal' | undefined;
}

const KEYS: readonly string[] = ['style', 'width', 'color'];
/** Any terminal there is. */
const WIDTH = { min: 20, max: 1_000 } as const;

/**
 * A leak report as text. Whatever a request or a name in it contains, the text is printable ASCII: no escape sequence of
 * theirs reaches a terminal, no newline a log.
 *
 * @throws TypeError, RangeError for a wrong option
 * @example console.log(formatLeaks(monitor.leaks(), { width: process.stdout.columns, color: true }))
 * @example logger.warn(formatLeaks(monitor.leaks(), { style: 'line' }))
 */
export function formatLeaks(report: LeakReport, options: FormatLeaksOptions = {}): string {
  refuseUnknownKeys('formatLeaks', options, KEYS);
  const { style = 'terminal', width, color } = options;
  if (style !== 'line' && style !== 'terminal') {
    throw new TypeError(`formatLeaks: style is 'line' or 'terminal', received ${show(style)}`);
  }
  if (color !== undefined && typeof color !== 'boolean') {
    throw new TypeError(`formatLeaks: color is a boolean, received ${show(color)}`);
  }
  if (width !== undefined) refuseUnlessWithin('formatLeaks: width', width, WIDTH);
  if (style === 'line') return leakLine(report);
  return leakText(report, { width, color });
}

/**
 * One group of leaked sockets as a line for a log: how many, whose, why and what to change. At most 500 printable ASCII
 * characters.
 *
 * @example createMonitor({ onLeak: (group) => logger.warn(formatLeak(group)) })
 */
export function formatLeak(group: LeakGroup): string {
  return leakGroupLine(group);
}
