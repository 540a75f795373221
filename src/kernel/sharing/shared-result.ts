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
      /** What is wrong with the table: empty or absent if nothing is. At most one of each reason is told. */
      readonly degraded?: readonly Flaw[];
    }
  | {
      readonly ok: false;
      readonly reason: CollectorReason;
      /** Free text, not fit for a label; at most 4,096 characters of it are told. */
      readonly detail: string;
      readonly durationMs: number;
      readonly nextIntervalMs: number;
    };

/** One thing that is wrong with a table that can still be used. */
interface Flaw {
  readonly reason: Degradation;
  /** Free text, not fit for a label; at most 1,024 characters of it are told. */
  readonly detail: string;
}

/** How a shared table ends for the one who receives it. */
export type SharedEnd = SharedResult | { readonly ok: false; readonly reason: SharingFailure; readonly detail: string };

/** The text of a result, of a few kilobytes at most. */
export function sharedResultText(result: SharedResult): string {
  if (!result.ok) return JSON.stringify({ ...result, detail: result.detail.slice(0, MAX_DETAIL_CHARACTERS) });
  const { degraded } = result;
  if (degraded === undefined) return JSON.stringify(result);
  const told = DEGRADATIONS.flatMap((reason) => degraded.find((flaw) => flaw.reason === reason) ?? []);
  const flaws = told.map(({ reason, detail }) => ({ reason, detail: detail.slice(0, MAX_FLAW_CHARACTERS) }));
  return JSON.stringify({ ...result, degraded: flaws });
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
  const flaws = parseFlaws(degraded);
  return flaws === undefined ? undefined : { ...table, degraded: flaws };
}

function parseFlaws(value: unknown): readonly Flaw[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const flaws = new Map<Degradation, Flaw>();
  for (const item of value as readonly unknown[]) {
    if (!isObject(item)) return undefined;
    const { reason, detail } = item;
    if (!isDegradation(reason) || typeof detail !== 'string' || flaws.has(reason)) return undefined;
    flaws.set(reason, { reason, detail });
  }
  return [...flaws.values()];
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

/** JSON may write six bytes a character: the text still fits into one frame. */
const MAX_DETAIL_CHARACTERS = 4096;
/** One for each of four reasons makes no more than one detail of a failure. */
const MAX_FLAW_CHARACTERS = 1024;
