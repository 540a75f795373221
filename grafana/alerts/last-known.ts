import { LAST_KNOWN_WITHIN } from '../thresholds.ts';

/**
 * A gauge as the last samples had it. A scrape that fails, or a table that could not be read, ends a series at once; one
 * of those in the middle of an incident must not start its `for` anew.
 *
 * @example lastKnown('nodejs_tcp_open_fds') // last_over_time(nodejs_tcp_open_fds[3m])
 */
export function lastKnown(selector: string, within: string = LAST_KNOWN_WITHIN): string {
  return `last_over_time(${selector}[${within}])`;
}
