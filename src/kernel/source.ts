import { SS_DEGRADATIONS, SS_FAILURES, type SsDegradation, type SsFailure } from './ss-failure.ts';

/** Where a table may come from: `ss` over netlink, or the files under /proc/net. */
export const SOURCES = ['ss', 'procfs'] as const;

/** Why a sample may fail, or be worse than it might. */
export type CollectorReason = SsFailure | SsDegradation;

/** Every {@link CollectorReason}. */
export const COLLECTOR_REASONS: readonly CollectorReason[] = [...SS_FAILURES, ...SS_DEGRADATIONS];
