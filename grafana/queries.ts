// One named function a question. Nothing is summed that all processes of a network namespace see alike.
import { ofFleet, quantile, rate, shown, sum, sumOfNamespaces } from './series.ts';
import { CLOSE_WAIT_LEAK } from './thresholds.ts';

/** How many sockets does the kernel hold for us, in each state? Empty while no table is at hand. */
export function kernelColumnByState(): string {
  return sum(shown('sockets'), ['state']);
}

/** How many sockets does Node believe in, in each state? */
export function nodeColumnByState(): string {
  return sum(shown('node_sockets'), ['state']);
}

/** How many connections wait for us to close them? */
export function closeWaitNow(): string {
  return sum(shown('sockets', { state: 'close_wait' }));
}

/** How many of them were there all the time, so that no handler is about to close them? */
export function closeWaitStanding(): string {
  return sum(standingCloseWait());
}

/** Whose are they? */
export function closeWaitByName(): string {
  return sum(shown('sockets', { state: 'close_wait' }), ['side', 'name']);
}

/** Which process and which listener or upstream holds most of them now? */
export function closeWaitWorst(): string {
  return worst(shown('sockets', { state: 'close_wait' }));
}

/** And which of them all the time? */
export function closeWaitStandingWorst(): string {
  return worst(standingCloseWait());
}

/** On how many sockets could Node not even see that the peer closed? */
export function blindByName(): string {
  return sum(shown('blind_sockets'), ['side', 'name']);
}

/** How many tuples are blocked after a close of ours? */
export function timeWaitNow(): string {
  return sum(shown('sockets', { state: 'time_wait' }));
}

/** Whose are they? */
export function timeWaitByName(): string {
  return sum(shown('sockets', { state: 'time_wait' }), ['side', 'name']);
}

/** How many more have our port or upstream, and nobody's name on them? */
export function timeWaitUnattributedByName(): string {
  return sumOfNamespaces(shown('netns_unattributed_sockets', { state: 'time_wait' }), ['side', 'name']);
}

/** How many connections are open? */
export function openConnections(): string {
  return sum(shown('open_connections'));
}

/** How many are opened a second? */
export function openedPerSecond(): string {
  return sum(rate(shown('connections_opened_total')));
}

/** By whom, or to whom? */
export function openedPerSecondByName(): string {
  return sum(rate(shown('connections_opened_total')), ['side', 'name']);
}

/** How many are closed a second? */
export function closedPerSecond(): string {
  return sum(rate(shown('connections_closed_total')));
}

/** How do they end? */
export function closedPerSecondByOutcome(): string {
  return sum(rate(shown('connections_closed_total')), ['outcome']);
}

/** Who ends them first, and so gets the TIME_WAIT? */
export function closedPerSecondByInitiator(): string {
  return sum(rate(shown('connections_closed_total')), ['side', 'initiator']);
}

/** How many are reset, by whom? */
export function resetsPerSecond(): string {
  return sum(rate(shown('resets_total')), ['side', 'direction']);
}

/** Who closes idle connections? */
export function idleClosesPerSecond(): string {
  return sum(rate(shown('idle_closes_total')), ['side', 'cause']);
}

/** How many close in the middle of a request? */
export function activeClosesPerSecond(): string {
  return sum(rate(shown('closed_with_active_request_total')), ['side', 'initiator']);
}

/** After how long are idle connections closed? Where processes differ, the first to do so. */
export function keepAliveTimeouts(): string {
  return `min by (side, name) (${shown('keep_alive_timeout_seconds')})`;
}

/** How many clients does each listener turn away because it has as many as it may? */
export function droppedPerSecondByName(): string {
  return sum(rate(shown('connections_dropped_total')), ['name']);
}

/** How full is the accept queue of each listener? One more than the limit fits in. */
export function acceptQueueFill(): string {
  return `max by (instance, name) (${shown('accept_queue_connections')} / (${shown('accept_queue_limit')} + 1))`;
}

/** And the fullest? */
export function acceptQueueWorst(): string {
  return `max(${shown('accept_queue_connections')} / (${shown('accept_queue_limit')} + 1))`;
}

/** How many connections wait to be accepted? */
export function acceptQueueByName(): string {
  return sum(shown('accept_queue_connections'), ['name']);
}

/** How many packets does the kernel drop because an accept queue is full? */
export function listenOverflowsPerSecond(): string {
  return sumOfNamespaces(rate(shown('netns_listen_overflows_total')), []);
}

/** And for any reason? */
export function listenDropsPerSecond(): string {
  return sumOfNamespaces(rate(shown('netns_listen_drops_total')), []);
}

/** How many half-open connections get a cookie, because their queue is full? */
export function synCookiesPerSecond(): string {
  return sumOfNamespaces(rate(shown('netns_syn_cookies_sent_total')), []);
}

/** What share of its local ports does each upstream use? All processes of a namespace see the same rows. */
export function ephemeralPortsFill(): string {
  return `max by (name) (${portsShare()})`;
}

/** And the worst? */
export function ephemeralPortsWorst(): string {
  return `max(${portsShare()})`;
}

/** How many ports are that? */
export function ephemeralPortsByName(): string {
  return `max by (name) (${shown('ephemeral_ports_used')})`;
}

/** And how many are there? */
export function ephemeralPortsLimit(): string {
  return `min(${shown('ephemeral_ports_limit')})`;
}

/** How many sockets go into TIME_WAIT? */
export function timeWaitCreatedPerSecond(): string {
  return sumOfNamespaces(rate(shown('netns_time_wait_created_total')), []);
}

/** What share of its descriptors does each process use? */
export function descriptorsFill(): string {
  return `max by (instance) (${shown('open_fds')} / ${shown('max_fds')})`;
}

/** And the fullest? */
export function descriptorsWorst(): string {
  return `max(${shown('open_fds')} / ${shown('max_fds')})`;
}

/** What waits on each side of the system call? */
export function queuedByName(queue: 'node_read' | 'node_write' | 'kernel_receive' | 'kernel_send'): string {
  return sum(shown('queued_bytes', { queue }), ['side', 'name']);
}

/** How much is sent again? */
export function retransmittedPerSecond(): string {
  return sumOfNamespaces(rate(shown('netns_retransmitted_segments_total')), []);
}

/** How often is an answer to a SYN missing? */
export function synRetransmitsPerSecond(): string {
  return sumOfNamespaces(rate(shown('netns_syn_retransmits_total')), []);
}

/** How many RSTs does the kernel send? */
export function resetsSentPerSecond(): string {
  return sumOfNamespaces(rate(shown('netns_resets_sent_total')), []);
}

/** How do the TCP sockets of the whole namespace spread over the states, whoever owns them? */
export function namespaceByState(): string {
  return sumOfNamespaces(shown('netns_sockets'), ['state']);
}

/** How many handshakes are half done in the namespace? */
export function handshakesOfNamespace(state: 'syn_sent' | 'syn_received'): string {
  return sumOfNamespaces(shown('netns_sockets', { state }), []);
}

/** How many bytes go each way? */
export function bytesPerSecond(): string {
  return sum(rate(shown('bytes_total')), ['side', 'direction']);
}

/** Which way do sockets go through the states, as Node sees it? The ten that most go. */
export function transitionsPerSecond(): string {
  return `topk(10, ${sum(rate(shown('state_transitions_total')), ['from', 'to'])} > 0)`;
}

/** How do the lives of connections spread? */
export function lifetimesPerSecond(): string {
  return `sum by (le) (${rate(shown('connection_duration_seconds', {}, 'bucket'))})`;
}

/** How long do they live? */
export function lifetime(q: number): string {
  return quantile(q, 'connection_duration_seconds', {}, ['side']);
}

/** Of each name? */
export function lifetimeByName(q: number): string {
  return quantile(q, 'connection_duration_by_name_seconds', {}, ['side', 'name']);
}

/** How long are sockets in each state, on average? Of those that left it; 0 of 0 is NaN, which is no number >= 0. */
export function meanTimeInState(): string {
  const total = sum(rate(shown('state_duration_seconds', {}, 'sum')), ['state']);
  return `${total} / ${sum(rate(shown('state_duration_seconds', {}, 'count')), ['state'])} >= 0`;
}

/** How many connections were open before they were observed? */
export function adoptedPerSecond(): string {
  return sum(rate(shown('connections_adopted_total')), ['side']);
}

/** How many went on without being observed? */
export function releasedPerSecond(): string {
  return sum(rate(shown('connections_released_total')), ['side']);
}

/** How long is the way to the peers and back? Opt-in. */
export function roundTrip(q: number): string {
  return quantile(q, 'rtt_seconds', {}, ['side', 'name']);
}

/** How many segments may be on the way? Opt-in. */
export function congestionWindow(q: number): string {
  return quantile(q, 'congestion_window_segments', {}, ['side', 'name']);
}

/** How many connections are sending again? Opt-in. */
export function retransmittingByName(): string {
  return sum(shown('retransmitting_sockets'), ['side', 'name']);
}

/** How many rows has the table? All processes of a namespace read the same. */
export function tableRows(): string {
  return `max by (instance) (${shown('collector_rows')})`;
}

/** Whose table is larger than what finwait keeps of it? */
export function tablesTruncated(): string {
  return `max by (instance) (${shown('collector_truncated')})`;
}

/** How many connections have no name of their own? */
export function namesOverflowedPerSecond(): string {
  return sum(rate(shown('names_overflowed_total')));
}

/** Where does the kernel's column come from, in how many processes? */
export function activeSources(): string {
  return sum(shown('collector_active'), ['source']);
}

/** In how many processes is the kernel's column missing? */
export function collectorsDown(): string {
  return sum(`1 - ${shown('collector_up')}`);
}

/** How old is what the kernel's column shows? */
export function tableAge(): string {
  return `time() - ${shown('collector_last_success_timestamp_seconds')}`;
}

/** Which samples failed, and why? */
export function collectorErrorsPerSecond(): string {
  return sum(rate(shown('collector_errors_total')), ['source', 'reason']);
}

/** Where did finwait itself fail? */
export function internalErrorsPerSecond(): string {
  return sum(rate(shown('internal_errors_total')), ['component']);
}

/** How long does reading the table take, all but the slowest hundredth? */
export function collectorDurationP99(): string {
  return quantile(0.99, 'collector_duration_seconds');
}

/** How long does that hold the event loop? */
export function collectorBlockedP99(): string {
  return quantile(0.99, 'collector_blocked_seconds');
}

/** Which of our alerts fire, and since when? ALERTS is Prometheus' own; one about a whole service has no instance. */
export function firingAlerts(): string {
  return 'ALERTS{alertname=~"Finwait.+", alertstate="firing", job=~"$job", instance=~"$instance|"}';
}

/**
 * When did a process begin? One that was not there for five minutes, or one under the same address whose number of
 * samples has fallen back. A scrape that was missed is neither.
 */
export function processStarts(): string {
  const samples = ofFleet('collector_duration_seconds', {}, 'count');
  const known = ofFleet('info');
  return `(resets(${samples}[2m]) > 0) or (${known} unless on (job, instance) present_over_time(${known}[5m] offset 1m))`;
}

/** Used and limit are of one process, so that neither is another namespace's. */
function portsShare(): string {
  return `${shown('ephemeral_ports_used')} / on (job, instance) group_left () ${shown('ephemeral_ports_limit')}`;
}

/** Only of processes that still report: a window also holds the last samples of one that ended. */
function standingCloseWait(): string {
  const closeWait = shown('sockets', { state: 'close_wait' });
  return `min_over_time(${closeWait}[${CLOSE_WAIT_LEAK.standing}]) and ${closeWait}`;
}

function worst(expr: string): string {
  return `topk(20, sum by (job, instance, side, name) (${expr}) > 0)`;
}
