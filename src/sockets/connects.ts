import { CONNECT_FAILURES, type ConnectFailure, type ConnectPhase } from './connect-failure.ts';
import { CountTable } from './count-table.ts';
import { Histogram } from './histogram.ts';
import { HistogramTable } from './histogram-table.ts';

/** The families an address may be of. */
export const FAMILIES = ['ipv4', 'ipv6'] as const;

/** One of {@link FAMILIES}. */
export type Family = (typeof FAMILIES)[number];

/**
 * How an attempt at one address ended: the kernel refused it, Node gave it up for the next address (Happy Eyeballs), or
 * somebody gave up the whole operation.
 */
export const ATTEMPT_RESULTS = ['connected', 'failed', 'timed_out', 'cancelled'] as const;

/** One of {@link ATTEMPT_RESULTS}. */
export type AttemptResult = (typeof ATTEMPT_RESULTS)[number];

/** The parts of a connect operation, one after another. */
export const CONNECT_PHASES: readonly ConnectPhase[] = ['lookup', 'tcp', 'tls'];

/**
 * Upper bounds of `connect_duration_seconds`. A SYN is sent again after 1 s and 3 s (initial RTO, RFC 6298), so what lies
 * just above tells a lost SYN.
 */
const CONNECT_DURATION_BOUNDS: readonly number[] = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 1.25, 3, 3.5];

/**
 * The books of connect operations, from connect() to 'connect', or 'secureConnect' on TLS. An operation is counted from
 * the moment it has a name. For every name, at every moment: started = succeeded + failed + pending.
 *
 * Attempts are the single addresses that Happy Eyeballs tries within one operation; each is counted when it ends.
 */
export class Connects {
  readonly durations: { readonly [phase in ConnectPhase]: Histogram };
  /** The same by name; filled only where that was asked for. */
  readonly durationsByName: { readonly [phase in ConnectPhase]: HistogramTable };
  readonly #isByName: boolean;
  readonly #started: Float64Array;
  readonly #succeeded: Float64Array;
  readonly #pending: Int32Array;
  readonly #failed: CountTable<ConnectFailure>;
  /** By the place of the family: attempts are no name's. */
  readonly #attempts: CountTable<AttemptResult> = new CountTable(FAMILIES.length, ATTEMPT_RESULTS);

  /**
   * @param capacity how many name slots there are
   * @param byName whether durations are kept by name too
   */
  constructor(capacity: number, byName: boolean) {
    this.#isByName = byName;
    this.#started = new Float64Array(capacity);
    this.#succeeded = new Float64Array(capacity);
    this.#pending = new Int32Array(capacity);
    this.#failed = new CountTable(capacity, CONNECT_FAILURES);
    this.durations = { lookup: newHistogram(), tcp: newHistogram(), tls: newHistogram() };
    this.durationsByName = { lookup: newTable(), tcp: newTable(), tls: newTable() };
  }

  started(slot: number): number {
    return this.#started[slot] as number;
  }

  succeeded(slot: number): number {
    return this.#succeeded[slot] as number;
  }

  pending(slot: number): number {
    return this.#pending[slot] as number;
  }

  failed(slot: number, failure: ConnectFailure): number {
    return this.#failed.at(slot, failure);
  }

  attempts(family: Family, result: AttemptResult): number {
    return this.#attempts.at(FAMILIES.indexOf(family), result);
  }

  start(slot: number): void {
    add(this.#started, slot);
    this.#pending[slot] = (this.#pending[slot] as number) + 1;
  }

  succeed(slot: number): void {
    add(this.#succeeded, slot);
    this.#pending[slot] = (this.#pending[slot] as number) - 1;
  }

  fail(slot: number, failure: ConnectFailure): void {
    this.#failed.add(slot, failure);
    this.#pending[slot] = (this.#pending[slot] as number) - 1;
  }

  endAttempt(family: Family, result: AttemptResult): void {
    this.#attempts.add(family === 'ipv4' ? 0 : 1, result);
  }

  observe(slot: number, phase: ConnectPhase, seconds: number): void {
    this.durations[phase].observe(seconds);
    if (this.#isByName) this.durationsByName[phase].observe(slot, seconds);
  }

  /** The slot belongs to another name from now on. */
  forget(slot: number): void {
    for (const counts of [this.#started, this.#succeeded, this.#pending]) counts[slot] = 0;
    this.#failed.forget(slot);
    for (const phase of CONNECT_PHASES) this.durationsByName[phase].forget(slot);
  }
}

function newHistogram(): Histogram {
  return new Histogram(CONNECT_DURATION_BOUNDS);
}

function newTable(): HistogramTable {
  return new HistogramTable(CONNECT_DURATION_BOUNDS);
}

function add(counts: Float64Array, at: number): void {
  counts[at] = (counts[at] as number) + 1;
}
