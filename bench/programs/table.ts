import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Shell } from './shell.ts';
import { startWorker, type Worker } from './worker.ts';

/** How many rows of each state there are, by the name that ss gives it. */
export interface TableStates {
  readonly ESTAB: number;
  readonly 'TIME-WAIT': number;
  readonly 'CLOSE-WAIT': number;
  readonly 'FIN-WAIT-2': number;
}

/** A kernel table full of connections, and the processes that hold them. */
export interface Table {
  /** The observed server, at whose port most of the rows are. */
  readonly server: Worker;
  readonly states: TableStates;
  readonly rows: number;
  /** When the first row was made that the kernel removes by itself a minute later. */
  readonly closingSince: number;
  readonly processes: number;
  end(): Promise<void>;
}

/**
 * Fills the table of this network namespace: 52% ESTABLISHED (both ends of a connection are rows), 38% TIME_WAIT that
 * the observed server has closed, 5% each of CLOSE_WAIT there and of FIN_WAIT_2 at its clients, who have closed and
 * gone. Both families: the server listens as Node does by default, so its rows are IPv6, and its clients' IPv4.
 *
 * @throws if the kernel's table does not become what was asked for: a measurement of another table would be worthless
 */
export async function fillTable(rows: number, shell: Shell): Promise<Table> {
  const halfClosed = Math.round(rows * 0.05);
  const timeWait = Math.round(rows * 0.38);
  const established = Math.round((rows - timeWait - 2 * halfClosed) / 2);
  const states: TableStates = {
    ESTAB: 2 * established,
    'TIME-WAIT': timeWait,
    'CLOSE-WAIT': halfClosed,
    'FIN-WAIT-2': halfClosed,
  };
  const places = descriptorLimit() - SPARE_DESCRIPTORS;
  const workers: Worker[] = [];
  const start = async (name: string, args: readonly string[]): Promise<{ worker: Worker; port: number }> => {
    const worker = startWorker(name, args);
    workers.push(worker);
    return { worker, port: ((await worker.ready) as { port: number }).port };
  };
  const end = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.end()));
  };
  try {
    const observed = await start('table-server', ['observed']);
    // What does not fit into the descriptors of one process is a neighbour's, at another port.
    let server = observed;
    let accepted = 0;
    let free = places - halfClosed;
    let clients: Worker | undefined;
    for (let left = established; left > 0; ) {
      const { worker } = await start('table-clients', [String(workers.length)]);
      clients ??= worker;
      for (let clientsFree = places; clientsFree > 0 && left > 0; ) {
        if (free <= 0) {
          server = await start('table-server', ['bare']);
          free = places;
        }
        const count = Math.min(left, free, clientsFree);
        await worker.ask({ type: 'established', count, port: server.port });
        if (server === observed) accepted += count;
        left -= count;
        free -= count;
        clientsFree -= count;
      }
    }
    const closingSince = performance.now();
    await clients?.ask({ type: 'half-closed', count: halfClosed, port: observed.port });
    await observed.worker.ask({ type: 'close-first', on: true, afterAccepting: accepted + halfClosed });
    await clients?.ask({ type: 'closed', count: timeWait, port: observed.port });
    await checkTable(states, shell);
    return { server: observed.worker, states, rows, closingSince, processes: workers.length, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Waits until the kernel's table is as it should be, or rejects with what it is. */
export async function checkTable(states: TableStates, shell: Shell): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const found = JSON.parse(await shell.ask(COUNT_STATES)) as Partial<TableStates>;
    const off = (Object.keys(states) as (keyof TableStates)[]).filter(
      (state) => Math.abs((found[state] ?? 0) - states[state]) > SLACK_ROWS + SLACK * states[state],
    );
    if (off.length === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`the table is ${JSON.stringify(found)} where ${JSON.stringify(states)} was wanted`);
    }
    await delay(50);
  }
}

/** For what a process needs besides, and what it does while it is measured. */
const SPARE_DESCRIPTORS = 1_000;
/** The connections of the bench itself, and clients that come upon a port they had before. */
const SLACK_ROWS = 20;
const SLACK = 0.02;
const SETTLE_MS = 5_000;
const COUNT_STATES =
  `ss -Htan | awk '{ rows[$1]++ } ` +
  `END { for (state in rows) text = text "," "\\"" state "\\":" rows[state]; print "{" substr(text, 2) "}" }'`;

/** Node raises its own limit to the hard one when it starts. */
function descriptorLimit(): number {
  const limit = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]);
  if (!(limit > 2 * SPARE_DESCRIPTORS)) throw new Error(`only ${limit} descriptors for a process`);
  return limit;
}
