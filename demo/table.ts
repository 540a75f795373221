import type { Snapshot, StateCounts, StateLabel } from 'finwait';

/** What the table shows beside the snapshot. */
export interface TableContext {
  readonly seconds: number;
  readonly metricsUrl: string;
  /** Why there is no kernel's column; undefined while nothing is known to be wrong. */
  readonly trouble: string | undefined;
}

/** The live table, line by line and narrow enough for 80 columns: both columns by state, then every name. */
export function renderTable(snapshot: Snapshot, context: TableContext): string[] {
  const { node, kernel, table, names } = snapshot;
  const states = Object.keys(node) as StateLabel[];
  return [
    `finwait demo, ${context.seconds} s    ${context.metricsUrl}`,
    `kernel's table: ${describeTable(snapshot, context.trouble)}`,
    '',
    cells('state', ['Node', 'kernel', 'namespace']),
    ...states.map((state) =>
      cells(stateTitle(state), [node[state], count(kernel, state), count(table?.states, state)]),
    ),
    '',
    cells('name (side)', ['open', 'opened', 'closed', 'resets', 'CLOSE_WAIT', 'TIME_WAIT']),
    ...names.map((entry) =>
      cells(`${entry.name} (${entry.side})`, [
        entry.open,
        entry.opened,
        entry.closed,
        entry.resetsReceived + entry.resetsSent,
        // CLOSE_WAIT is in both columns; TIME_WAIT outlives the socket, and only the kernel has it.
        count(entry.kernel ?? entry.node, 'close_wait'),
        count(entry.kernel, 'time_wait'),
      ]),
    ),
  ];
}

/** The same in one line, for an output that cannot be redrawn: the states that are not empty. */
export function renderLine(snapshot: Snapshot, seconds: number): string {
  const kernel = snapshot.kernel === undefined ? 'unknown' : nonEmpty(snapshot.kernel);
  return `${String(seconds).padStart(3)} s   Node: ${nonEmpty(snapshot.node)}   kernel: ${kernel}`;
}

/** A state as RFC 9293 writes it. */
function stateTitle(state: StateLabel): string {
  return state.toUpperCase();
}

const FIRST_WIDTH = 20;
/** Six columns beside the first, in 80 characters. */
const WIDTHS = [10, 10, 10, 8, 11, 10];

function cells(first: string, rest: readonly (string | number)[]): string {
  const row = rest.map((cell, index) => String(cell).padStart(WIDTHS[index] ?? 0)).join('');
  return (first.padEnd(FIRST_WIDTH) + row).trimEnd();
}

function count(counts: StateCounts | undefined, state: StateLabel): string | number {
  return counts?.[state] ?? '-';
}

function nonEmpty(counts: StateCounts): string {
  const shown = Object.entries(counts).filter(([, value]) => value > 0);
  return shown.map(([state, value]) => `${stateTitle(state as StateLabel)} ${value}`).join(', ') || 'nothing';
}

function describeTable({ table }: Snapshot, trouble: string | undefined): string {
  if (table !== undefined) return `${(table.ageMs / 1000).toFixed(1)} s old, ${table.rows} rows`;
  return trouble === undefined ? 'not read yet' : `missing: ${trouble}`;
}
