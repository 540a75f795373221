import {
  CLOSE_WAIT_CAUSES,
  type CloseWaitCause,
  DIVERGENCES,
  type Divergence,
  type LeakReport,
} from '../detect/leaks/leak.ts';
import type { NameTable } from '../sockets/names.ts';
import { UNTRACKED_SLOT } from '../sockets/untracked-sockets.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { LeakFindings } from './leak-finder.ts';

/** What {@link Monitor.leaks} returns: the newest findings, as they are. Nothing is looked up for it. */
export function leakReport(findings: LeakFindings | undefined, names: NameTable, nowMs: number): LeakReport {
  if (findings === undefined) return NOTHING_YET;
  const { closeWait, leaks, leaked, groups, groupsOmitted, soundAtMs } = findings;
  const slots = [UNTRACKED_SLOT, ...names.entries().map(({ slot }) => slot)];
  return deepFreeze({
    ageMs: soundAtMs === undefined ? undefined : Math.max(0, nowMs - soundAtMs),
    sockets: leaked.length,
    groups,
    groupsOmitted,
    closeWait: byCause((cause) => slots.reduce((sum, slot) => sum + closeWait.closeWait(slot, cause), 0)),
    divergent: byKind((kind) => leaks.divergent[kind]),
  });
}

function byCause(count: (cause: CloseWaitCause) => number): { readonly [cause in CloseWaitCause]: number } {
  return Object.fromEntries(CLOSE_WAIT_CAUSES.map((cause) => [cause, count(cause)])) as {
    [cause in CloseWaitCause]: number;
  };
}

function byKind(count: (kind: Divergence) => number): { readonly [kind in Divergence]: number } {
  return Object.fromEntries(DIVERGENCES.map((kind) => [kind, count(kind)])) as { [kind in Divergence]: number };
}

const NOTHING_YET: LeakReport = deepFreeze({
  ageMs: undefined,
  sockets: 0,
  groups: [],
  groupsOmitted: 0,
  closeWait: byCause(() => 0),
  divergent: byKind(() => 0),
});
