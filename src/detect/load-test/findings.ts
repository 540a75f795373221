import { checkAcceptQueueFull } from './accept-queue.ts';
import { checkConnectionsNotReused } from './connections-not-reused.ts';
import { checkConnectionsRefused } from './connections-refused.ts';
import { checkDescriptors } from './descriptors.ts';
import { type Finding, LIMIT_KINDS, type LimitKind } from './finding.ts';
import { checkGeneratorLimited } from './generator-limited.ts';
import { checkKeepAliveRace } from './keep-alive-race.ts';
import { checkLeak } from './leak.ts';
import type { LoadRun } from './load-run.ts';
import { checkLoopBlocked } from './loop-blocked.ts';
import { checkPacketsLost } from './packets-lost.ts';
import { checkPortsExhausted } from './ports-exhausted.ts';
import { checkPortsRunningOut } from './ports-running-out.ts';
import { checkReaderStalled } from './reader-stalled.ts';
import { checkResets } from './resets.ts';
import { checkServerBusy } from './server-busy.ts';
import { checkServerClosesFirst } from './server-closes-first.ts';
import { checkSynDropped } from './syn-dropped.ts';
import { checkTargetGone } from './target-gone.ts';

/** One rule for each kind. */
const RULES: { readonly [kind in LimitKind]: (run: LoadRun) => Finding | undefined } = {
  target_gone: checkTargetGone,
  descriptors_exhausted: checkDescriptors,
  loop_blocked: checkLoopBlocked,
  accept_queue_full: checkAcceptQueueFull,
  ports_exhausted: checkPortsExhausted,
  ports_running_out: checkPortsRunningOut,
  connections_refused: checkConnectionsRefused,
  packets_lost: checkPacketsLost,
  syn_dropped: checkSynDropped,
  keep_alive_race: checkKeepAliveRace,
  resets: checkResets,
  leak: checkLeak,
  reader_stalled: checkReaderStalled,
  server_closes_first: checkServerClosesFirst,
  connections_not_reused: checkConnectionsNotReused,
  generator_limited: checkGeneratorLimited,
  server_busy: checkServerBusy,
};

/**
 * What limited a load test, or went wrong in it, the greatest first; empty where nothing was found. What another finding
 * explains comes after it, and that one counts as much as the worst of what it brings about.
 *
 * @example findingsOf(run)[0]?.sentence // 'The same connection waited 1.9 s to be accepted, ...'
 */
export function findingsOf(run: LoadRun): Finding[] {
  const findings = LIMIT_KINDS.flatMap((kind) => RULES[kind](run) ?? []);
  const isHeldUp = findings.some(({ kind, impact }) => impact > MOST_OF_A_COST && kind !== 'leak');
  return inOrder(findings.filter(({ kind }) => !isHeldUp || !LAST_ANSWERS.includes(kind)));
}

/** What a load ends with when nothing else holds it up: beside a failure they say nothing of what it could do. */
const LAST_ANSWERS: readonly LimitKind[] = ['generator_limited', 'server_busy'];
/** What only costs, such as connections that are not used again, stays below. */
const MOST_OF_A_COST = 0.3;

/** Exported for what is said of the order alone. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  const weights = new Map(findings.map((finding) => [finding.kind, weightOf(finding, findings, [])]));
  const weight = ({ kind }: Finding): number => weights.get(kind) ?? 0;
  const waiting = [...findings].sort(
    (one, other) => weight(other) - weight(one) || LIMIT_KINDS.indexOf(one.kind) - LIMIT_KINDS.indexOf(other.kind),
  );
  const ordered: Finding[] = [];
  while (waiting.length > 0) {
    const next = waiting.findIndex((finding) => !waiting.some((other) => explains(other, finding)));
    ordered.push(...waiting.splice(Math.max(0, next), 1));
  }
  return ordered;
}

function explains(cause: Finding, finding: Finding): boolean {
  return cause !== finding && cause.explains.includes(finding.kind);
}

/** Its own impact, or the greatest of those that it brings about. */
function weightOf(finding: Finding, findings: readonly Finding[], above: readonly Finding[]): number {
  const below = findings.filter((other) => explains(finding, other) && !above.includes(other));
  return Math.max(finding.impact, ...below.map((other) => weightOf(other, findings, [...above, finding])));
}
