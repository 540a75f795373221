import { PROCFS_DEGRADATIONS, PROCFS_FAILURES, type ProcfsDegradation, type ProcfsFailure } from './procfs-failure.ts';
import { SS_DEGRADATIONS, SS_FAILURES, type SsDegradation, type SsFailure } from './ss-failure.ts';

/** Where a table may come from: `ss` over netlink, or the files under /proc/net. */
export const SOURCES = ['ss', 'procfs'] as const;

/** One of {@link SOURCES}. */
export type Source = (typeof SOURCES)[number];

/**
 * What may be wrong with a table of either source: `inconsistent`, it does not agree with the kernel's counters of the
 * same moment; `duplicates`, rows are there twice.
 */
export const TABLE_DEGRADATIONS = ['inconsistent', 'duplicates'] as const;

/** One of {@link TABLE_DEGRADATIONS}. */
export type TableDegradation = (typeof TABLE_DEGRADATIONS)[number];

/** Why a sample may fail, or be worse than it might. */
export type CollectorReason = SsFailure | SsDegradation | ProcfsFailure | ProcfsDegradation | TableDegradation;

/** One way in which a source may fail, or serve worse than it might. */
export interface CollectorError {
  readonly source: Source;
  readonly reason: CollectorReason;
}

/** Every pair that there can be. */
export const COLLECTOR_ERRORS: readonly CollectorError[] = [
  ...pairsOf('ss', [...SS_FAILURES, ...SS_DEGRADATIONS, ...TABLE_DEGRADATIONS]),
  ...pairsOf('procfs', [...PROCFS_FAILURES, ...PROCFS_DEGRADATIONS, ...TABLE_DEGRADATIONS]),
];

/** Every {@link CollectorReason}. */
export const COLLECTOR_REASONS: readonly CollectorReason[] = [...new Set(COLLECTOR_ERRORS.map(({ reason }) => reason))];

/** The key that errors are counted under. */
export function collectorErrorKey(source: Source, reason: CollectorReason): string {
  return `${source} ${reason}`;
}

function pairsOf(source: Source, reasons: readonly CollectorReason[]): CollectorError[] {
  return reasons.map((reason) => ({ source, reason }));
}
