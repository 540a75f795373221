// One named function a question about sockets that should be gone: why, whose, since when, and what it costs.
import { rate, shown, sum } from './series.ts';
import { DESCRIPTORS_LEFT } from './thresholds.ts';

/** Why are they in CLOSE_WAIT? */
export function closeWaitByCause(): string {
  return sum(shown('close_wait_sockets'), ['cause']);
}

/** Which process, where, and why? */
export function closeWaitCausesWorst(): string {
  return `topk(20, sum by (job, instance, side, name, cause) (${shown('close_wait_sockets')}) > 0)`;
}

/** How many have been in CLOSE_WAIT for longer than a healthy one would? */
export function leakedCloseWait(): string {
  return sum(shown('leaked_sockets', { state: 'close_wait' }));
}

/** And in the other states that should pass? */
export function leakedByState(): string {
  return sum(shown('leaked_sockets'), ['state']);
}

/** Which process, and where? */
export function leakedWorst(): string {
  return `topk(20, sum by (job, instance, side, name, state) (${shown('leaked_sockets')}) > 0)`;
}

/** For how long at least has the oldest been in CLOSE_WAIT? */
export function oldestCloseWait(): string {
  return `max(${shown('oldest_socket_age_seconds')})`;
}

/** Whose is it? */
export function oldestCloseWaitByName(): string {
  return `max by (side, name) (${shown('oldest_socket_age_seconds')})`;
}

/** In which process? */
export function oldestCloseWaitWorst(): string {
  return `max by (job, instance, side, name, state) (${shown('oldest_socket_age_seconds')}) > 0`;
}

/** How many go into CLOSE_WAIT, as far as Node sees it? Of all sides and names: transitions carry neither. */
export function enteredCloseWaitPerSecond(): string {
  return sum(rate(shown('state_transitions_total', { to: 'close_wait' })));
}

/** And how many leave it? */
export function leftCloseWaitPerSecond(): string {
  return sum(rate(shown('state_transitions_total', { from: 'close_wait' })));
}

/** Who sends a FIN and goes on? */
export function halfClosesPerSecond(): string {
  return sum(rate(shown('half_closes_total')), ['side', 'initiator']);
}

/** Where do Node and the kernel contradict each other? */
export function divergentByKind(): string {
  return sum(shown('divergent_sockets'), ['kind']);
}

/** On how many sockets? */
export function divergentNow(): string {
  return sum(shown('divergent_sockets'));
}

/** Whose peer is gone without a word? */
export function halfOpenByName(): string {
  return sum(shown('half_open_suspects'), ['side', 'name']);
}

/** Which process has sockets that no observed object stands for? Whatever side and name are chosen. */
export function untrackedByInstance(): string {
  return `sum by (instance) (${shown('sockets', { side: 'unknown', name: '_untracked' })})`;
}

/** What has finwait destroyed, where it was asked to? */
export function remediedPerSecondByCause(): string {
  return sum(rate(shown('remedied_sockets_total')), ['cause']);
}

/** When is the first process out of descriptors, if they grow as they do? Empty while no such end is in sight. */
export function descriptorsLeft(): string {
  return `min(${secondsLeft()}) < ${DESCRIPTORS_LEFT.withinSeconds}`;
}

/** And each? */
export function descriptorsLeftByInstance(): string {
  return `min by (instance) (${secondsLeft()}) < ${DESCRIPTORS_LEFT.withinSeconds}`;
}

function secondsLeft(): string {
  const open = shown('open_fds');
  return `(${shown('max_fds')} - ${open}) / (deriv(${open}[${DESCRIPTORS_LEFT.trendOf}]) > 0)`;
}
