// One named function a question about all processes at once. Each selects few series of a process: a fleet has thousands.
import { firingAlerts } from './queries.ts';
import { rate, ofFleet as series } from './series.ts';

const CLOSE_WAIT = { state: 'close_wait' } as const;

/** How many processes report? */
export function processes(): string {
  return `count(${series('info')})`;
}

/** Of each service? */
export function processesByJob(): string {
  return `count by (job) (${series('info')})`;
}

/** How many of them leak? */
export function leakingProcesses(): string {
  return `sum(${leaks()})`;
}

/** Of each service? */
export function leakingProcessesByJob(): string {
  return `sum by (job) (${leaks()})`;
}

/** How many sockets is that? */
export function leakedSockets(): string {
  return `sum(${series('leaked_sockets', CLOSE_WAIT)})`;
}

/** Which processes leak most? */
export function leakedWorst(): string {
  return worst('sum', series('leaked_sockets', CLOSE_WAIT));
}

/** And how many sockets does their peer not end? */
export function stuckWorst(): string {
  return worst('sum', series('leaked_sockets', { state: 'fin_wait_2' }));
}

/** Since when have they been in CLOSE_WAIT? */
export function oldestWorst(): string {
  return worst('max', series('oldest_socket_age_seconds'));
}

/** How near the limit is the process with the fewest descriptors left? */
export function descriptorsWorst(): string {
  return `max(${descriptors()})`;
}

/** Which processes are nearest? */
export function descriptorsFullest(): string {
  return fullest(descriptors());
}

/** Whose accept queues are fullest? One more than the limit fits in. */
export function acceptQueuesFullest(): string {
  return fullest(`${series('accept_queue_connections')} / (${series('accept_queue_limit')} + 1)`);
}

/** How near the limit is the upstream with the fewest local ports left? */
export function portsWorst(): string {
  return `max(${ports()})`;
}

/** Which processes are nearest? */
export function portsFullest(): string {
  return fullest(ports());
}

/** How large is the share of connects that fail, of the service where it is largest? */
export function failuresWorst(): string {
  return `max(${failureShare('job')})`;
}

/** Which service cannot reach whom? */
export function failureShares(): string {
  return `topk(20, ${failureShare('job, name')} > 0)`;
}

/** And how often? */
export function failuresPerSecond(): string {
  return `topk(20, ${failures('job, name')} > 0)`;
}

/** How many connections are open, of each service? */
export function openByJob(): string {
  return `sum by (job) (${series('open_connections')})`;
}

/** How many are opened a second? */
export function openedPerSecondByJob(): string {
  return `sum by (job) (${rate(series('connections_opened_total'))})`;
}

/** How many wait for the program to end them? */
export function closeWaitByJob(): string {
  return `sum by (job) (${series('sockets', CLOSE_WAIT)})`;
}

/** How many wait for the kernel's minute to pass? */
export function timeWaitByJob(): string {
  return `sum by (job) (${series('sockets', { state: 'time_wait' })})`;
}

/** In how many processes is the kernel's column missing? */
export function withoutTableByJob(): string {
  return `sum by (job) (1 - ${series('collector_up')})`;
}

/** Which versions run? */
export function versions(): string {
  return `count by (job, version, node_version) (${series('info')})`;
}

/** Which of our alerts fire, and where? */
export function alertsByProcess(): string {
  return `count by (job, instance, alertname, severity) (${firingAlerts()})`;
}

/** 1 for a process that leaks, 0 for one that does not. */
function leaks(): string {
  return `sum by (job, instance) (${series('leaked_sockets', CLOSE_WAIT)}) > bool 0`;
}

function descriptors(): string {
  return `${series('open_fds')} / ${series('max_fds')}`;
}

/** Used and limit are of one process, so that neither is another namespace's. */
function ports(): string {
  return `${series('ephemeral_ports_used')} / on (job, instance) group_left () ${series('ephemeral_ports_limit')}`;
}

/** What the program gave up itself is no failure; and 0 of 0 is NaN, which is no number >= 0. */
function failureShare(by: string): string {
  return `clamp_max(${failures(by)} / sum by (${by}) (${rate(series('connects_total'))}), 1) >= 0`;
}

function failures(by: string): string {
  return `sum by (${by}) (${rate(series('connect_failures_total', { reason: { not: 'aborted' } }))})`;
}

function worst(aggregation: 'sum' | 'max', expr: string): string {
  return `topk(20, ${aggregation} by (job, instance) (${expr}) > 0)`;
}

function fullest(expr: string): string {
  return `topk(10, max by (job, instance) (${expr}))`;
}
