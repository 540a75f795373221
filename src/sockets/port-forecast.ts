import { STATE } from '../tcp/state.ts';
import { CLOSINGS } from './closing.ts';
import type { KernelColumn } from './join.ts';
import { COUNT, type Ledger } from './ledger.ts';
import type { PortSettings } from './port-settings.ts';
import { RecentValues } from './recent-values.ts';
import { isLoopback, TUPLE, TUPLE_WORDS } from './tuple.ts';

/** A TIME_WAIT holds its port for so long (TCP_TIMEWAIT_LEN in include/net/tcp.h). */
const TIME_WAIT_MS = 60_000;
/** And only for so long where connect(2) may take it over. */
const REUSE_AFTER_MS = 1_000;

/** Over less than this, churn is no rate. */
const LEAST_WINDOW_MS = 400;
/** Churn is looked at over so long, the newest first. */
const WINDOWS_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000];
/** What does not go on for this long is over. */
const QUIET_MS = 8_000;
/** A forecast reaches so many times as far ahead as churn was looked back at: a short burst foretells little. */
const REACH = 10;
/** And no further than this. */
const HORIZON_MS = Math.max(...WINDOWS_MS) * REACH;
/** That more are opened than closed is followed less far: what opens now may all close a little later. */
const OPEN_REACH = 3;
/** Random arrivals: of n events, this many times the root of n may be chance. Less doubt ends an alarm than begins it. */
const CHANCE = { begin: 3, stay: 1 } as const;
/** A rate of fewer events says too little; of few ports, the tenth part is enough. */
const LEAST_EVENTS = 50;
/** Rows that a table may show more than our books without being those of others: it is read while both move. */
const SLACK = 8;
const SLACK_SHARE = 0.05;

/** The closings after which the port stays in TIME_WAIT at our end. */
const CLOSED_FIRST: readonly number[] = CLOSINGS.flatMap(([initiator, outcome], index) =>
  initiator === 'local' && outcome !== 'reset' ? [index] : [],
);

/** What is remembered of each name. */
const FIELD = {
  /** Sockets that hold a port, and all that were closed by us first. */
  taken: 0,
  closedFirst: 1,
  opened: 2,
  requests: 3,
  /** connect(2) had no port left. */
  exhausted: 4,
} as const;
const FIELDS = Object.keys(FIELD).length;

/** What the forecast needs of the settings. Undefined is unknown. */
export interface ForecastSettings extends Pick<PortSettings, 'timeWaitReuse'> {
  /** net.ipv4.tcp_max_tw_buckets: so many TIME_WAITs are kept at most. */
  readonly maxTimeWaits: number | undefined;
}

/** What it needs of a table. */
export type PortTable = Pick<KernelColumn, 'portsUsed' | 'portsLimit' | 'startedAt'>;

/** What a name did lately, in events a second. */
export interface Churn {
  readonly openedPerSecond: number;
  /** Closed by this process first: each leaves a TIME_WAIT here. */
  readonly closedFirstPerSecond: number;
  readonly requestsPerSecond: number;
  /** How many connects found no port, over the same time. */
  readonly exhausted: number;
  /** Over how long. */
  readonly windowMs: number;
}

/** What the forecast reads of the books. */
export type PortBooks = Pick<
  Ledger,
  'names' | 'count' | 'closed' | 'nodeState' | 'connects' | 'requests' | 'upstreams'
>;

/**
 * Foretells, for each client name, when the local ports towards its worst destination are used up at the present churn.
 *
 * A connection takes a port; closed by the peer it gives it back, closed by us it keeps it for a minute. So the use of
 * steady churn levels off after that minute, and there is an end in sight only where that level lies above the limit.
 * What becomes free in the coming minute is known, for it was closed in the last one. Counters of the books are looked
 * at between tables too; a table says how many of the ports are used by others, and how many of ours go elsewhere.
 */
export class PortForecast {
  readonly #ledger: PortBooks;
  readonly #counts: RecentValues = new RecentValues(Math.max(TIME_WAIT_MS, ...WINDOWS_MS));
  /** By name slot, the ports towards its worst destination that are not the name's, as the tables said. */
  readonly #others: RecentValues = new RecentValues(Math.max(...WINDOWS_MS));
  /** The share of a name's ports that the worst destination has, as the newest table said; NaN where it did not. */
  #shares: Float64Array = new Float64Array(0);
  /** By name slot, when an end was last in sight. */
  readonly #foretoldAtMs: Map<number, number> = new Map();
  #limit: number = Number.NaN;
  #lookedAtMs: number = Number.NaN;
  #settings: ForecastSettings | undefined;
  readonly #scratch: Uint32Array = new Uint32Array(TUPLE_WORDS);

  /** @param nowMs on the ledger's clock, as everywhere here: what the books hold now is where churn begins */
  constructor(ledger: PortBooks, nowMs: number) {
    this.#ledger = ledger;
    this.#look(nowMs);
  }

  /** Takes a complete table. */
  update(column: PortTable, settings: ForecastSettings | undefined, nowMs: number): void {
    this.#look(nowMs);
    this.#settings = settings;
    this.#limit = column.portsLimit;
    const { length } = column.portsUsed;
    const others = new Float64Array(length);
    this.#shares = new Float64Array(length).fill(Number.NaN);
    for (const [slot, used] of column.portsUsed.entries()) {
      if (Number.isNaN(used)) continue;
      // While the table was read the books moved on: a row may be of any moment of it.
      const atStart = this.#held(slot, column.startedAt);
      const atEnd = this.#held(slot, nowMs);
      this.#shares[slot] = Math.min(1, (used + SLACK) / atStart);
      others[slot] = Math.max(0, used - atEnd * (1 + SLACK_SHARE) - Math.min(SLACK, atEnd));
    }
    this.#others.note(nowMs, others);
  }

  /** The slot belongs to another name from now on. */
  forget(slot: number): void {
    this.#counts.forget(slot * FIELDS, (slot + 1) * FIELDS);
    this.#others.forget(slot, slot + 1);
    this.#foretoldAtMs.delete(slot);
    if (slot < this.#shares.length) this.#shares[slot] = Number.NaN;
  }

  /**
   * Milliseconds until no port is left, 0 if that is so now; undefined while no end is in sight, or nothing is known.
   *
   * @example forecast.exhaustionMs(slot, performance.now())
   */
  exhaustionMs(slot: number, nowMs: number): number | undefined {
    if (Number.isNaN(this.#limit) || this.#destinations(slot) === 0) return undefined;
    this.#look(nowMs);
    if (this.#gained(slot, FIELD.exhausted, nowMs, QUIET_MS) > 0 || this.#usedAt(slot, nowMs) >= this.#limit) return 0;
    const foretoldMs = this.#foretell(slot, nowMs);
    if (foretoldMs !== undefined) this.#foretoldAtMs.set(slot, nowMs);
    return foretoldMs;
  }

  /** What a name did over the newest time, at most so long. */
  churn(slot: number, nowMs: number, mostMs: number): Churn {
    this.#look(nowMs);
    const windowMs = Math.min(mostMs, nowMs - this.#counts.firstAtMs);
    const perSecond = (field: number): number =>
      windowMs < LEAST_WINDOW_MS ? 0 : this.#gained(slot, field, nowMs, windowMs) / (windowMs / 1000);
    return {
      openedPerSecond: perSecond(FIELD.opened),
      closedFirstPerSecond: perSecond(FIELD.closedFirst),
      requestsPerSecond: perSecond(FIELD.requests),
      exhausted: Math.round(this.#gained(slot, FIELD.exhausted, nowMs, windowMs)),
      windowMs,
    };
  }

  #foretell(slot: number, nowMs: number): number | undefined {
    const historyMs = nowMs - this.#counts.firstAtMs;
    // What the newest while does not lead to, an older one does not either.
    if (this.#crossing(slot, nowMs, Math.min(QUIET_MS, historyMs), HORIZON_MS, 0) === undefined) return undefined;
    const isKnown = nowMs - (this.#foretoldAtMs.get(slot) ?? Number.NEGATIVE_INFINITY) <= QUIET_MS;
    const chance = isKnown ? CHANCE.stay : CHANCE.begin;
    for (const mostMs of WINDOWS_MS) {
      const windowMs = Math.min(mostMs, historyMs);
      const reachMs = windowMs * REACH;
      if (this.#events(slot, nowMs, windowMs) < Math.min(LEAST_EVENTS, this.#limit / 10)) continue;
      if (this.#crossing(slot, nowMs, windowMs, reachMs, chance) !== undefined) {
        return this.#crossing(slot, nowMs, windowMs, reachMs, 0);
      }
    }
    return undefined;
  }

  /** Ports that were taken in a window, by this name or by others. */
  #events(slot: number, nowMs: number, windowMs: number): number {
    const others = this.#others.at(slot, nowMs) - this.#others.at(slot, nowMs - windowMs);
    return this.#gained(slot, FIELD.taken, nowMs, windowMs) + Math.max(others, 0);
  }

  /** Reads the books, once for each moment. */
  #look(nowMs: number): void {
    if (nowMs === this.#lookedAtMs) return;
    this.#lookedAtMs = nowMs;
    const { names, connects, requests } = this.#ledger;
    const clients = names.entries().filter(({ side }) => side === 'client');
    const slots = Math.max(0, ...clients.map(({ slot }) => slot + 1));
    const values = new Float64Array(slots * FIELDS);
    for (const { slot } of clients) {
      const closedFirst = CLOSED_FIRST.reduce((sum, closing) => sum + this.#ledger.closed(slot, closing), 0);
      // A SYN that is not answered holds a port too.
      const live = this.#ledger.count(slot, COUNT.open) + this.#ledger.nodeState(slot, STATE.SYN_SENT);
      const at = slot * FIELDS;
      values[at + FIELD.taken] = live + closedFirst;
      values[at + FIELD.closedFirst] = closedFirst;
      values[at + FIELD.opened] = this.#ledger.count(slot, COUNT.opened);
      values[at + FIELD.requests] = requests.count(slot);
      values[at + FIELD.exhausted] = connects.failed(slot, 'port_exhausted');
    }
    this.#counts.note(nowMs, values);
  }

  #at(slot: number, field: number, atMs: number): number {
    return this.#counts.at(slot * FIELDS + field, atMs);
  }

  #gained(slot: number, field: number, nowMs: number, windowMs: number): number {
    return this.#at(slot, field, nowMs) - this.#at(slot, field, nowMs - windowMs);
  }

  /** After how long another connection may have the port of one that we closed. */
  #holdMs(slot: number): number {
    const { upstreams } = this.#ledger;
    const reuse = this.#settings?.timeWaitReuse ?? 0;
    // bind(2) takes no port over.
    if (reuse === 0 || upstreams.sourcesOf(slot).size > 0) return TIME_WAIT_MS;
    if (reuse === 1) return REUSE_AFTER_MS;
    for (const place of upstreams.endpointsOf(slot)) {
      upstreams.read(place, this.#scratch);
      if (!isLoopback(this.#scratch, TUPLE.peerAddress)) return TIME_WAIT_MS;
    }
    return REUSE_AFTER_MS;
  }

  /** How many endpoints a name connects to, or addresses it is bound to. */
  #destinations(slot: number): number {
    const { upstreams } = this.#ledger;
    return upstreams.endpointsOf(slot).size + upstreams.sourcesOf(slot).size;
  }

  /** The share that the worst destination has. Where no table has shown it yet, all have the same. */
  #share(slot: number): number {
    const share = this.#shares[slot] ?? Number.NaN;
    return Number.isNaN(share) ? 1 / this.#destinations(slot) : share;
  }

  /** Ports that a name holds, whatever the destination. */
  #held(slot: number, atMs: number): number {
    const holdMs = this.#holdMs(slot);
    const waiting = this.#at(slot, FIELD.closedFirst, atMs) - this.#at(slot, FIELD.closedFirst, atMs - holdMs);
    const live = this.#at(slot, FIELD.taken, atMs) - this.#at(slot, FIELD.closedFirst, atMs);
    return live + Math.min(waiting, this.#settings?.maxTimeWaits ?? Number.POSITIVE_INFINITY);
  }

  #usedAt(slot: number, nowMs: number): number {
    return this.#share(slot) * this.#held(slot, nowMs) + this.#others.at(slot, nowMs);
  }

  /**
   * After how many milliseconds the limit is reached, if churn goes on as it was in a window, and that is within reach.
   *
   * @param chance how many deviations of random arrivals are taken off the churn: with 2, hardly any chance is left
   */
  #crossing(slot: number, nowMs: number, windowMs: number, reachMs: number, chance: number): number | undefined {
    if (!(windowMs >= LEAST_WINDOW_MS)) return undefined;
    const holdMs = this.#holdMs(slot);
    const openReachMs = windowMs * OPEN_REACH;
    const share = this.#share(slot);
    const gained = this.#gained(slot, FIELD.taken, nowMs, windowMs);
    const others = this.#others.at(slot, nowMs);
    const othersGained = others - this.#others.at(slot, nowMs - windowMs);
    const certain = certainShare(gained * share + Math.max(othersGained, 0), chance);
    const taken = (gained * (gained > 0 ? certain : 1)) / windowMs;
    const closed = (this.#gained(slot, FIELD.closedFirst, nowMs, windowMs) * (gained > 0 ? certain : 1)) / windowMs;
    const otherwise = (othersGained * (othersGained > 0 ? certain : 1)) / windowMs;
    const closedNow = this.#at(slot, FIELD.closedFirst, nowMs);
    const live = this.#at(slot, FIELD.taken, nowMs) - closedNow;
    const mostWaiting = this.#settings?.maxTimeWaits ?? Number.POSITIVE_INFINITY;
    const usedAfter = (aheadMs: number): number => {
      const leftMs = aheadMs - holdMs;
      const left = leftMs > 0 ? closedNow + closed * leftMs : this.#at(slot, FIELD.closedFirst, nowMs + leftMs);
      const waiting = Math.min(closedNow + closed * aheadMs - left, mostWaiting);
      const opened = (taken - closed) * Math.min(aheadMs, openReachMs);
      return share * (live + opened + waiting) + Math.max(0, others + otherwise * aheadMs);
    };
    let beforeMs = 0;
    let before = usedAfter(0);
    // If nothing at all came back. Mostly this is far from the limit, and the rest need not be looked at.
    const most = (taken - closed) * Math.min(openReachMs, reachMs) + closed * Math.min(holdMs, reachMs);
    if (before + share * Math.max(most, 0) + Math.max(otherwise, 0) * reachMs < this.#limit) return undefined;
    for (const aheadMs of this.#bends(nowMs, holdMs, openReachMs, reachMs)) {
      const after = usedAfter(aheadMs);
      if (after >= this.#limit) {
        const part = (this.#limit - before) / (after - before);
        return beforeMs + (aheadMs - beforeMs) * Math.min(Math.max(part, 0), 1);
      }
      beforeMs = aheadMs;
      before = after;
    }
    return undefined;
  }

  /** When, from now on, the line of what is used bends: other TIME_WAITs begin to end, or a rate is followed no more. */
  #bends(nowMs: number, holdMs: number, openReachMs: number, reachMs: number): number[] {
    const ends = this.#counts.times.map((atMs) => atMs + holdMs - nowMs);
    return [...ends, holdMs, openReachMs, reachMs]
      .filter((aheadMs) => aheadMs > 0 && aheadMs <= reachMs)
      .sort((one, other) => one - other);
  }
}

/** Which share of so many events is more than chance. */
function certainShare(events: number, chance: number): number {
  return events <= 0 ? 1 : Math.max(0, 1 - chance / Math.sqrt(events));
}
