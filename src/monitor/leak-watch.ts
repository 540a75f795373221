import { type LeakCause, REMEDIED_CAUSES, type RemediedCause } from '../detect/leaks/leak.ts';
import type { ObserveContext } from '../observe/context.ts';
import type { NodeSocket } from '../observe/node-socket.ts';
import { Slices } from '../observe/slices.ts';
import { isServing } from '../observe/socket-flags.ts';
import { CountTable } from '../sockets/count-table.ts';
import { TICKS_PER_MS } from '../sockets/ledger.ts';
import type { ExaminedTable, Leak, LeakFindings } from './leak-finder.ts';
import { describeLeak } from './leak-grouping.ts';
import type { Remedy, ResolvedOptions } from './options.ts';

/** What the watch needs of the monitor. */
export interface LeakWatchHost {
  readonly warn: (message: string) => void;
  /** Whether the monitor was closed. */
  readonly isClosed: () => boolean;
}

type LeakOptions = Pick<ResolvedOptions, 'onLeak' | 'leakReminderMs' | 'remedyAfterMs' | 'onRemedy'>;

/** What is done about leaks after each table: the program is told, and where it has asked for that, sockets are destroyed. */
export class LeakWatch {
  readonly #context: ObserveContext;
  readonly #options: LeakOptions;
  readonly #host: LeakWatchHost;
  /** When the program was told of a group, on the ledger's clock in milliseconds. */
  readonly #toldAtMs: Map<string, number> = new Map();
  /** Undefined unless the program asks for it. */
  readonly remedied: CountTable<RemediedCause> | undefined;

  constructor(context: ObserveContext, options: LeakOptions, host: LeakWatchHost) {
    this.#context = context;
    this.#options = options;
    this.#host = host;
    this.remedied =
      options.remedyAfterMs === Number.POSITIVE_INFINITY
        ? undefined
        : new CountTable(context.ledger.names.capacity, REMEDIED_CAUSES);
  }

  /** A table was examined. */
  look(findings: LeakFindings, table: ExaminedTable): void {
    this.#tell(findings, table.column.endedAt);
    if (!table.isSound || this.remedied === undefined) return;
    this.#remedy(findings.leaked, table).catch((error: unknown) => this.#context.report('collector', error));
  }

  #tell({ groups }: LeakFindings, nowMs: number): void {
    const { onLeak, leakReminderMs } = this.#options;
    if (onLeak === undefined) return;
    const standing = new Set(groups.map(({ id }) => id));
    for (const [id, atMs] of this.#toldAtMs) {
      // A leak that went away and comes back within the time is no news either.
      if (!standing.has(id) && nowMs - atMs >= leakReminderMs) this.#toldAtMs.delete(id);
    }
    for (const group of groups) {
      if (nowMs - (this.#toldAtMs.get(group.id) ?? Number.NEGATIVE_INFINITY) < leakReminderMs) continue;
      this.#toldAtMs.set(group.id, nowMs);
      try {
        onLeak(group);
      } catch (error) {
        this.#context.report('callback', error);
      }
    }
  }

  async #remedy(leaked: readonly Leak[], { column }: ExaminedTable): Promise<void> {
    const slices = new Slices();
    let destroyed = 0;
    for (const leak of leaked) {
      if (this.#host.isClosed()) return;
      const remedy = this.#isDue(leak, column.startedAt) ? describeLeak(this.#context, column, leak) : undefined;
      if (remedy !== undefined && this.#destroy(leak, remedy as Remedy)) destroyed++;
      if (slices.isOver()) await slices.next();
    }
    if (destroyed > 0 && this.#options.onRemedy === undefined) {
      this.#host.warn(
        `destroyed ${destroyed} leaked ${destroyed === 1 ? 'socket' : 'sockets'}, as \`remedyAfterMs\` asks`,
      );
    }
  }

  #isDue({ cause, ageMs, idleMs, record, slot }: Leak, startedAtMs: number): boolean {
    if (!isRemedied(cause) || Math.min(ageMs, idleMs) < this.#options.remedyAfterMs || record === undefined)
      return false;
    const socket = record.socket as NodeSocket | undefined;
    // Something has happened to it since the table was read.
    if (record.index < 0 || record.slot !== slot || record.changedAt >= startedAtMs * TICKS_PER_MS) return false;
    return socket !== undefined && !socket.destroyed && !isServing(record, socket);
  }

  /** Without an error: nobody waits for this socket, and one without a listener would end the program. */
  #destroy(leak: Leak, remedy: Remedy): boolean {
    const socket = leak.record?.socket as (NodeSocket & { destroy(): unknown }) | undefined;
    if (socket === undefined) return false;
    try {
      socket.destroy();
    } catch (error) {
      this.#context.report('observer', error);
      return false;
    }
    this.remedied?.add(leak.slot, remedy.cause);
    try {
      this.#options.onRemedy?.(remedy);
    } catch (error) {
      this.#context.report('callback', error);
    }
    return true;
  }
}

function isRemedied(cause: LeakCause): cause is RemediedCause {
  return (REMEDIED_CAUSES as readonly LeakCause[]).includes(cause);
}
