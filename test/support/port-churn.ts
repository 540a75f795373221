import { CLOSINGS } from '../../src/sockets/closing.ts';
import type { ConnectFailure } from '../../src/sockets/connect-failure.ts';
import { COUNT } from '../../src/sockets/ledger.ts';
import { NameTable } from '../../src/sockets/names.ts';
import { type ForecastSettings, type PortBooks, PortForecast } from '../../src/sockets/port-forecast.ts';
import { Upstreams } from '../../src/sockets/upstreams.ts';
import { STATE } from '../../src/tcp/state.ts';
import { tupleOf } from './tuple.ts';

const LOCAL_FIN = CLOSINGS.findIndex(([who, how]) => who === 'local' && how === 'fin');
const REMOTE_FIN = CLOSINGS.findIndex(([who, how]) => who === 'remote' && how === 'fin');
const STEP_MS = 50;

/** How connections come and go in the simulation. */
export interface ChurnPlan {
  readonly limit: number;
  /** Connections to be opened in the step that begins at a time. */
  readonly opens: (atMs: number) => number;
  /** How long each stays open. @default 0 */
  readonly lifeMs?: number;
  /** Whether this process closes first. @default true */
  readonly closesFirst?: boolean;
  /** How long a TIME_WAIT holds its port. @default 60000 */
  readonly holdMs?: number;
  /** Milliseconds between two tables. @default 500 */
  readonly tableEveryMs?: number;
  /** Ports that others hold towards the same destination. @default none */
  readonly others?: (atMs: number) => number;
  /** The share of the connections that goes to the worst destination. @default 1 */
  readonly share?: number;
  /** Whether the tables know how many ports are used towards it. @default true */
  readonly isShown?: boolean;
  readonly settings?: ForecastSettings;
  readonly peer?: string;
  /** The program binds to this address. */
  readonly bindsTo?: string;
  /** Whether the peer answers; else every connection is a SYN that waits. @default true */
  readonly isAnswered?: boolean;
}

/** What was shown at a moment. */
export interface Look {
  readonly atMs: number;
  readonly exhaustionMs: number | undefined;
  readonly used: number;
}

/** What came of a simulation. */
export interface ChurnRun {
  /** One look for each table, right after it. */
  readonly looks: readonly Look[];
  /** When no port was left for the first time; undefined if that never came. */
  readonly exhaustedAtMs: number | undefined;
  readonly forecast: PortForecast;
  readonly slot: number;
}

/** Opens and closes connections as planned, against a kernel that keeps TIME_WAITs, until the end or the exhaustion. */
export function churn(plan: ChurnPlan, untilMs: number): ChurnRun {
  const {
    limit,
    opens,
    lifeMs = 0,
    closesFirst = true,
    holdMs = 60_000,
    tableEveryMs = 500,
    share = 1,
    isShown = true,
  } = plan;
  const { others = () => 0, settings = { timeWaitReuse: 0, maxTimeWaits: 262_144 }, peer = '10.0.0.9:80' } = plan;
  const { bindsTo, isAnswered = true } = plan;
  const names = new NameTable(20);
  const upstreams = new Upstreams([]);
  const slot = names.slotOf('client', 'upstream', true, 0);
  const place = upstreams.remember(tupleOf('10.0.0.1:40000', peer));
  if (bindsTo === undefined) upstreams.name(place, slot);
  else upstreams.nameBound(place, slot, tupleOf(`${bindsTo}:0`, peer));
  let [opened, closed, failed] = [0, 0, 0];
  const open: { readonly endsAtMs: number; count: number }[] = [];
  const waiting: { readonly endsAtMs: number; readonly count: number }[] = [];
  const books: PortBooks = {
    names,
    upstreams,
    count: (_slot, what) => {
      if (!isAnswered) return 0;
      return what === COUNT.open ? opened - closed : what === COUNT.opened ? opened : 0;
    },
    closed: (_slot, closing) => (closing === (closesFirst ? LOCAL_FIN : REMOTE_FIN) ? closed : 0),
    nodeState: (_slot, state) => (state === (isAnswered ? STATE.ESTABLISHED : STATE.SYN_SENT) ? opened - closed : 0),
    connects: { failed: (_slot: number, why: ConnectFailure) => (why === 'port_exhausted' ? failed : 0) } as never,
    requests: { count: () => opened } as never,
  };
  const forecast = new PortForecast(books, 0);
  const looks: Look[] = [];
  let exhaustedAtMs: number | undefined;
  let tableAtMs = tableEveryMs;
  for (let atMs = 0; atMs <= untilMs && exhaustedAtMs === undefined; atMs += STEP_MS) {
    while ((open[0]?.endsAtMs ?? Number.POSITIVE_INFINITY) <= atMs) {
      const { count } = open.shift() as { count: number };
      closed += count;
      const room = (settings.maxTimeWaits ?? 0) - waiting.reduce((sum, each) => sum + each.count, 0);
      if (closesFirst) waiting.push({ endsAtMs: atMs + holdMs, count: Math.min(count, room) });
    }
    while ((waiting[0]?.endsAtMs ?? Number.POSITIVE_INFINITY) <= atMs) waiting.shift();
    const used = (): number =>
      Math.round(share * (opened - closed + waiting.reduce((sum, { count }) => sum + count, 0))) + others(atMs);
    const wanted = opens(atMs);
    const count = Math.min(wanted, Math.floor((limit - used()) / share));
    if (count < wanted) {
      failed++;
      exhaustedAtMs = atMs;
    }
    opened += count;
    open.push({ endsAtMs: atMs + Math.max(lifeMs, STEP_MS), count });
    if (atMs < tableAtMs) continue;
    tableAtMs += tableEveryMs;
    const portsUsed = new Float64Array(names.capacity).fill(Number.NaN);
    if (isShown) portsUsed[slot] = used();
    forecast.update({ portsUsed, portsLimit: limit, startedAt: atMs - STEP_MS }, settings, atMs);
    looks.push({ atMs, exhaustionMs: forecast.exhaustionMs(slot, atMs), used: used() });
  }
  return { looks, exhaustedAtMs, forecast, slot };
}

/** A number of arrivals in a step, at a rate a second, as random as a generator of seeds makes it. */
export function randomArrivals(perSecond: number, seed: number): () => number {
  let state = seed >>> 0 || 1;
  const random = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const mean = (perSecond * STEP_MS) / 1_000;
  return () => {
    // Knuth's way for small means, the normal distribution for others.
    if (mean > 30) {
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
    }
    const end = Math.exp(-mean);
    let count = -1;
    for (let product = 1; product > end; count++) product *= random();
    return count;
  };
}
