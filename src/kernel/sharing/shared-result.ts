import {
  COLLECTOR_REASONS,
  type CollectorReason,
  DEGRADATIONS,
  type Degradation,
  type SharingFailure,
  SOURCES,
} from '../source.ts';

/** What the process that read the table tells the others at its end. */
export type SharedResult =
  | {
      readonly ok: true;
      readonly source: (typeof SOURCES)[number];
      readonly rows: number;
      /** Wall time of the read. */
      readonly durationMs: number;
      /** When the reader means to read next, counted from now. */
      readonly nextIntervalMs: number;
      /** Present if the table may be incomplete. */
      readonly degraded?: { readonly reason: Degradation; readonly detail: string };
    }
  | {
      readonly ok: false;
      readonly reason: CollectorReason;
      /** Free text, not fit for a label; at most 4,096 characters of it are told. */
      readonly detail: string;
      readonly durationMs: number;
      readonly nextIntervalMs: number;
    };

/** How a shared table ends for the one who receives it. */
export type SharedEnd = SharedResult | { readonly ok: false; readonly reason: SharingFailure; readonly detail: string };

/** The text of a result, of a few kilobytes at most. */
export function sharedResultText(result: SharedResult): string {
  if (!result.ok) return JSON.stringify({ ...result, detail: cut(result.detail) });
  const { degraded } = result;
  if (degraded === undefined) return JSON.stringify(result);
  return JSON.stringify({ ...result, degraded: { ...degraded, detail: cut(degraded.detail) } });
}

/** The result that a text says, undefined when it says none. Only known fields are taken over. */
export function parseSharedResult(text: string): SharedResult | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { ok, source, rows, reason, detail, durationMs, nextIntervalMs, degraded } = value;
  if (!isAmount(durationMs) || !isAmount(nextIntervalMs)) return undefined;
  if (ok === false) {
    if (!isReason(reason) || typeof detail !== 'string') return undefined;
    return { ok, reason, detail, durationMs, nextIntervalMs };
  }
  if (ok !== true || !isSource(source) || !isAmount(rows)) return undefined;
  const table = { ok, source, rows, durationMs, nextIntervalMs } as const;
  if (degraded === undefined) return table;
  if (!isObject(degraded) || !isDegradation(degraded['reason']) || typeof degraded['detail'] !== 'string')
    return undefined;
  return { ...table, degraded: { reason: degraded['reason'], detail: degraded['detail'] } };
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isReason(value: unknown): value is CollectorReason {
  return (COLLECTOR_REASONS as readonly unknown[]).includes(value);
}

function isDegradation(value: unknown): value is Degradation {
  return (DEGRADATIONS as readonly unknown[]).includes(value);
}

function isSource(value: unknown): value is (typeof SOURCES)[number] {
  return (SOURCES as readonly unknown[]).includes(value);
}

function cut(text: string): string {
  return text.slice(0, MAX_DETAIL_CHARACTERS);
}

/** JSON may write six bytes a character: the text still fits into one frame. */
const MAX_DETAIL_CHARACTERS = 4096;
