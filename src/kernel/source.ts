import {
  PROCFS_DEGRADATIONS,
  PROCFS_FAILURES,
  type ProcfsDegradation,
  type ProcfsFailure,
} from './procfs/procfs-failure.ts';
import { SS_DEGRADATIONS, SS_FAILURES, type SsDegradation, type SsFailure } from './ss/ss-failure.ts';

/** Where a table may come from: `ss` over netlink, or the files under /proc/net. */
export const SOURCES = ['ss', 'procfs'] as const;

/** One of {@link SOURCES}. */
export type Source = (typeof SOURCES)[number];

/**
 * What is found wrong with a table that its source thinks well of: `inconsistent`, the kernel's own counters contradict
 * it by more than what was opened and closed meanwhile; `duplicates`, rows came twice, so others were missed.
 */
export const TABLE_DEGRADATIONS = ['inconsistent', 'duplicates'] as const;

/** Every {@link Degradation}. */
export const DEGRADATIONS: readonly Degradation[] = [...SS_DEGRADATIONS, ...TABLE_DEGRADATIONS];

/** What is wrong with a table that can still be used. */
export type Degradation = SsDegradation | ProcfsDegradation | (typeof TABLE_DEGRADATIONS)[number];

/**
 * Why a table that another process of the cluster reads came to no end here.
 *
 * - `leader_lost`: the reader went, closed or dropped us.
 * - `malformed`: what came is no table.
 * - `consumer_threw`: our own consumer threw.
 */
export const SHARING_FAILURES = ['leader_lost', 'malformed', 'consumer_threw'] as const;

/** One of {@link SHARING_FAILURES}. */
export type SharingFailure = (typeof SHARING_FAILURES)[number];

/** Why a sample may fail, or be worse than it might. */
export type CollectorReason = SsFailure | ProcfsFailure | SharingFailure | Degradation;

/** What may go wrong with each source; `shared` is a table that another process of the cluster reads for us. */
export const COLLECTOR_ERRORS: readonly CollectorError[] = [
  ...[...SS_FAILURES, ...SS_DEGRADATIONS, ...TABLE_DEGRADATIONS].map((reason) => ({ source: 'ss' as const, reason })),
  ...[...PROCFS_FAILURES, ...PROCFS_DEGRADATIONS, ...TABLE_DEGRADATIONS].map((reason) => ({
    source: 'procfs' as const,
    reason,
  })),
  ...SHARING_FAILURES.map((reason) => ({ source: 'shared' as const, reason })),
];

/** A label pair of `collector_errors_total`. */
export interface CollectorError {
  readonly source: Source | 'shared';
  readonly reason: CollectorReason;
}

/** Every {@link CollectorReason}. */
export const COLLECTOR_REASONS: readonly CollectorReason[] = [...new Set(COLLECTOR_ERRORS.map(({ reason }) => reason))];

/** The key under which an error is counted. */
export function errorKey({ source, reason }: CollectorError): string {
  return `${source} ${reason}`;
}
