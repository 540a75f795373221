import type { LeakReport } from './leak.ts';
import { type LeakTextStyle, leakLine, leakText } from './leak-text.ts';

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
  refuseUnknownKeys(options);
  const { style = 'terminal', width, color } = options;
  if (style !== 'line' && style !== 'terminal') {
    throw new TypeError(`formatLeaks: style is 'line' or 'terminal', received ${show(style)}`);
  }
  if (color !== undefined && typeof color !== 'boolean') {
    throw new TypeError(`formatLeaks: color is a boolean, received ${show(color)}`);
  }
  if (width !== undefined) checkWidth(width);
  if (style === 'line') return leakLine(report);
  return leakText(report, { width, color });
}

function refuseUnknownKeys(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`formatLeaks: options are an object, received ${show(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!KEYS.includes(key)) {
      throw new TypeError(`formatLeaks: unknown option '${key}', known are ${KEYS.join(', ')}`);
    }
  }
}

function checkWidth(width: unknown): void {
  if (typeof width !== 'number' || !Number.isInteger(width)) {
    throw new TypeError(`formatLeaks: width is an integer, received ${show(width)}`);
  }
  if (width < WIDTH.min || width > WIDTH.max) {
    throw new RangeError(`formatLeaks: width is between ${WIDTH.min} and ${WIDTH.max}, received ${width}`);
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return `an instance of ${value.constructor?.name ?? 'Object'}`;
  return String(value);
}
