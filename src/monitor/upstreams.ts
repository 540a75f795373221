import type { AcceptSettings } from '../detect/accept-queue.ts';
import type { Saturation, ServerUse } from '../detect/server-use.ts';
import type { UpstreamChurn, UpstreamPorts, UpstreamRace, UpstreamSnapshot } from '../detect/upstream.ts';
import type { PoolUse } from '../observe/pools.ts';
import type { AcceptPressure } from '../sockets/accept-pressure.ts';
import { CLOSINGS } from '../sockets/closing.ts';
import { CONNECT_FAILURES } from '../sockets/connect-failure.ts';
import type { KernelColumn } from '../sockets/join.ts';
import { COUNT, type Ledger } from '../sockets/ledger.ts';
import type { NameEntry } from '../sockets/names.ts';
import type { PortForecast } from '../sockets/port-forecast.ts';
import type { PortSettings } from '../sockets/port-settings.ts';
import { IDLE_CLOSES } from '../sockets/requests.ts';
import { STATE, STATE_SLOTS } from '../tcp/state.ts';
import { keepAliveSecondsOf } from './keep-alive.ts';

/** What a snapshot shows beside the books and the newest table. */
export interface Surroundings {
  readonly forecast?: PortForecast | undefined;
  readonly pools?: PoolUse | undefined;
  readonly settings?: (PortSettings & AcceptSettings) | undefined;
  readonly pressure?: AcceptPressure | undefined;
}

/** Over how long churn is looked back at. */
const CHURN_MS = 60_000;

/** What each client name connects to, and how. */
export function readUpstreams(
  ledger: Ledger,
  column: KernelColumn | undefined,
  nowMs: number,
  surroundings: Surroundings,
): UpstreamSnapshot[] {
  const seconds = keepAliveSecondsOf(ledger);
  return ledger.names
    .entries()
    .filter(({ side }) => side === 'client')
    .map((entry) => readUpstream(ledger, column, nowMs, surroundings, entry, seconds[entry.slot] ?? Number.NaN));
}

/** How the connections of each server are used. */
export function readServerUse(ledger: Ledger, nowMs: number, pressure: AcceptPressure | undefined): ServerUse[] {
  const seconds = keepAliveSecondsOf(ledger);
  return ledger.names
    .entries()
    .filter(({ side }) => side === 'server')
    .map(({ slot, name }) => ({
      name,
      requests: ledger.requests.count(slot),
      keepAliveSeconds: knownNumber(seconds[slot]),
      idleCloses: idleClosesOf(ledger, slot),
      saturation: saturationOf(pressure, slot, nowMs),
    }));
}

function saturationOf(pressure: AcceptPressure | undefined, slot: number, nowMs: number): Saturation | undefined {
  const saturation = pressure?.saturation(slot);
  if (saturation === undefined) return undefined;
  const { connections, limit, atMs, loopBlockedMs } = saturation;
  const overflows = pressure?.overflows;
  return {
    connections,
    limit,
    agoMs: Math.max(0, nowMs - atMs),
    loopBlockedMs,
    overflows: overflows === undefined || overflows.atMs < atMs ? undefined : overflows.count,
  };
}

function readUpstream(
  ledger: Ledger,
  column: KernelColumn | undefined,
  nowMs: number,
  { forecast, pools }: Surroundings,
  { slot, name }: NameEntry,
  keepAliveSeconds: number,
): UpstreamSnapshot {
  const opened = ledger.count(slot, COUNT.opened);
  const requests = ledger.requests.count(slot);
  const closings = CLOSINGS.map(([initiator], closing) => [initiator, ledger.closed(slot, closing)] as const);
  const count = (from: typeof closings): number => from.reduce((sum, [, closed]) => sum + closed, 0);
  return {
    name,
    open: ledger.count(slot, COUNT.open),
    opened,
    closed: count(closings),
    closedLocally: count(closings.filter(([initiator]) => initiator === 'local')),
    timeWait: column?.ownStates[slot * STATE_SLOTS + STATE.TIME_WAIT],
    churn: churnOf(forecast, slot, nowMs),
    requests,
    reuseShare: requests === 0 ? undefined : Math.max(0, 1 - opened / requests),
    connects: connectsOf(ledger, slot),
    ports: portsOf(ledger, column, nowMs, forecast, slot),
    keepAliveSeconds: knownNumber(keepAliveSeconds),
    idleCloses: idleClosesOf(ledger, slot),
    race: raceOf(ledger, slot, nowMs),
    pool: poolOf(pools, slot),
  };
}

function churnOf(forecast: PortForecast | undefined, slot: number, nowMs: number): UpstreamChurn {
  const churn = forecast?.churn(slot, nowMs, CHURN_MS);
  return {
    openedPerSecond: churn?.openedPerSecond ?? 0,
    closedLocallyPerSecond: churn?.closedFirstPerSecond ?? 0,
    requestsPerSecond: churn?.requestsPerSecond ?? 0,
    portExhaustions: churn?.exhausted ?? 0,
    windowMs: Math.round(churn?.windowMs ?? 0),
  };
}

function connectsOf({ connects }: Ledger, slot: number): UpstreamSnapshot['connects'] {
  return {
    started: connects.started(slot),
    succeeded: connects.succeeded(slot),
    pending: connects.pending(slot),
    failed: Object.fromEntries(
      CONNECT_FAILURES.map((reason) => [reason, connects.failed(slot, reason)]),
    ) as UpstreamSnapshot['connects']['failed'],
  };
}

function portsOf(
  { upstreams }: Ledger,
  column: KernelColumn | undefined,
  nowMs: number,
  forecast: PortForecast | undefined,
  slot: number,
): UpstreamPorts {
  const exhaustionMs = column === undefined ? undefined : forecast?.exhaustionMs(slot, nowMs);
  return {
    used: knownNumber(column?.portsUsed[slot]),
    limit: knownNumber(column?.portsLimit),
    exhaustionMs: exhaustionMs === undefined ? undefined : Math.round(exhaustionMs),
    isBound: upstreams.sourcesOf(slot).size > 0,
  };
}

function idleClosesOf({ requests }: Ledger, slot: number): UpstreamSnapshot['idleCloses'] {
  return Object.fromEntries(
    IDLE_CLOSES.map((cause) => [cause, requests.idleCloses(slot, cause)]),
  ) as UpstreamSnapshot['idleCloses'];
}

function raceOf({ requests }: Ledger, slot: number, nowMs: number): UpstreamRace | undefined {
  const race = requests.race(slot);
  if (race === undefined) return undefined;
  return {
    count: race.count,
    ageMs: Math.max(0, Math.round(nowMs - race.atMs)),
    idleMs: knownNumber(Math.round(race.idleMs)),
    shortestIdleMs: knownNumber(Math.round(race.shortestIdleMs)),
  };
}

function poolOf(pools: PoolUse | undefined, slot: number): UpstreamSnapshot['pool'] {
  const active = knownNumber(pools?.active[slot]);
  if (pools === undefined || active === undefined) return undefined;
  return { active, idle: pools.idle[slot] as number, pending: pools.pending[slot] as number };
}

/** NaN is not known. */
function knownNumber(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}
