import cluster from 'node:cluster';
import type { Agent } from 'node:http';
import type { Server, Socket } from 'node:net';
import { types } from 'node:util';
import type { LeakReport, RemediedCause } from '../detect/leaks/leak.ts';
import { clearInterval, performance, setInterval } from '../globals.ts';
import { readNetns } from '../kernel/procfs/netns.ts';
import { captureBeforeClose } from '../observe/addresses.ts';
import { isAgent, observeAgents } from '../observe/agents.ts';
import { countWaiting } from '../observe/connect-events.ts';
import { eofEventOf, type ObserveContext } from '../observe/context.ts';
import { CreationSites } from '../observe/creation-site.ts';
import { noticeHandleEnds } from '../observe/handle-end.ts';
import { createFamilyCheck } from '../observe/host-families.ts';
import { isServer, isSocket, type NodeSocket } from '../observe/node-socket.ts';
import { type PoolUse, readPools } from '../observe/pools.ts';
import { FIND_EXISTING, observeProcess as observeWholeProcess } from '../observe/process.ts';
import { observeServers } from '../observe/server.ts';
import { letGo, observeSocket as observeOneSocket, recordOf } from '../observe/socket.ts';
import { socketEvents } from '../observe/socket-events.ts';
import { createTap } from '../observe/tap.ts';
import { observeUndici, type UndiciObserver } from '../observe/undici.ts';
import type { Component } from '../sockets/component.ts';
import type { CountTable } from '../sockets/count-table.ts';
import { Ledger, TICKS_PER_MS } from '../sockets/ledger.ts';
import type { SocketRecord } from '../sockets/record.ts';
import { TUPLE_WORDS } from '../sockets/tuple.ts';
import { WaitingRecords } from '../sockets/waiting-records.ts';
import { Collector, type SampleResult } from './collector.ts';
import { type Mark, namespaceCounts } from './comparison.ts';
import { leakReport } from './leak-report.ts';
import { LeakWatch } from './leak-watch.ts';
import {
  type ClientNameOptions,
  type Level,
  type MonitorOptions,
  type NameOptions,
  type ObserveProcessOptions,
  resolveName,
  resolveNameOf,
  resolveOptions,
  show,
} from './options.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

/** Watches the sockets it is shown and joins each with its row in the kernel's table. See {@link createMonitor}. */
export interface Monitor {
  /**
   * Observes a server (net, http, https, tls, http2): its listening socket, and every connection from the moment it is
   * accepted. Connections that are open already are adopted. Adds no listener.
   *
   * @param server the server, listening or not
   * @param options `name`: the `name` label; by default the port
   * @returns a function that ends the observation; what is open then counts as released. Observing a server again
   *   returns the same function.
   * @throws TypeError if it is no server, or another listening server has the name already
   * @example monitor.observeServer(http.createServer(app), { name: 'api' })
   */
  observeServer(server: Server, options?: NameOptions): () => void;
  /**
   * Observes a client socket, before or after it connects: every connection attempt, reconnects included. A destroyed
   * socket, a unix socket, a pipe and the standard streams are left alone.
   *
   * @param socket a net.Socket or tls.TLSSocket
   * @param options `name`: the `name` label; by default the host as the program gave it, and the port
   * @returns a function that ends the observation; an open connection then counts as released
   * @throws TypeError if it is no socket
   * @example monitor.observeSocket(net.connect(6379, 'cache'), { name: 'redis' })
   */
  observeSocket(socket: Socket, options?: NameOptions): () => void;
  /**
   * Observes the connections of an http.Agent or https.Agent, those that it has already included, and what its pool
   * holds.
   *
   * @param agent an agent of Node, or one with the same `sockets`, `freeSockets` and `requests`
   * @param options `name`: the `name` label of its connections, or a function that chooses it
   * @returns a function that ends it; observing an agent again returns the same function
   * @throws TypeError if it is no agent
   * @example monitor.observeAgent(agent, { name: 'billing' })
   */
  observeAgent(agent: Agent, options?: ClientNameOptions): () => void;
  /**
   * Observes every server and every client socket of this process, without being shown any. What was there before is
   * looked for as {@link ObserveProcessOptions.findExisting} says. Names are the defaults: a server's port, a client's
   * host and port; whoever is shown one of them by name right when it is made, gives it that name.
   *
   * @returns a function that ends the observation and restores everything; open connections then count as released.
   *   Called again it returns the same function
   * @throws TypeError if an option is wrong
   * @example monitor.observeProcess({ name: ({ host }) => (host?.endsWith('.internal') ? 'internal' : undefined) })
   */
  observeProcess(options?: ObserveProcessOptions): () => void;
  /**
   * Everything known now, as plain frozen data: both columns by state, by name and for the 1,000 worst sockets.
   *
   * @example monitor.snapshot().sockets.filter((socket) => socket.state === 'close_wait')
   */
  snapshot(): Snapshot;
  /**
   * What leaks, by culprit and cause, the largest group first, with what to change: sockets that have been in a state
   * that nothing healthy stays in for longer than {@link MonitorOptions.leakAfterMs}, in at least two tables of the
   * kernel on end, and sockets about which Node and the kernel disagree. As of the newest table; costs nothing.
   *
   * @example for (const { headline, fix } of monitor.leaks().groups) console.log(headline, fix)
   */
  leaks(): LeakReport;
  /**
   * Samples the kernel's table now, or joins the sample under way. A failure is in the result and in
   * `collector_errors_total`; rejects only after `close()`.
   *
   * @example const { ok } = await monitor.sample()
   */
  sample(): Promise<SampleResult>;
  /**
   * Samples the kernel's table now and remembers what is the case, under a name: for {@link compare}, around a load test.
   * Where the table cannot be read, the mark has Node's column and the counters.
   *
   * @param label 1 to 64 characters
   * @example const before = await monitor.mark('before the load')
   */
  mark(label: string): Promise<Mark>;
  /**
   * Remembers the last HTTP request of an observed connection, for the reports: method and route, such as
   * `GET /users/:id`, cut to 200 characters. Does nothing for a socket that is not observed.
   *
   * @example monitor.noteRequest(request.socket, 'GET /users/:id')
   */
  noteRequest(socket: Socket, request: string): void;
  /**
   * Ends every observation and the sampling, and takes the metrics off every exporter. Twice is fine.
   *
   * @example process.once('SIGTERM', () => monitor.close())
   */
  close(): void;
}

/** What exporters need of a monitor; not part of its public face. */
export interface MonitorInternals {
  readonly ledger: Ledger;
  readonly collector: Collector;
  /** What was destroyed because it leaked; undefined unless the program asks for that. */
  readonly remedied: CountTable<RemediedCause> | undefined;
  readonly netns: string;
  readonly level: Level;
  /** The ledger's clock, in milliseconds. */
  readonly nowMs: () => number;
  /** What the connection pools of the program hold now, by name slot. */
  readonly pools: () => PoolUse;
  readonly internalErrors: ReadonlyMap<Component, number>;
  /** undici's dispatchers and fetch. Throws if the monitor is closed. */
  readonly undici: () => UndiciObserver;
  /** Counts something that went wrong in finwait, and warns of it once, instead of throwing it into the program. */
  readonly report: (component: Component, error: unknown) => void;
  /** Keeps a server or a socket of finwait's own out of what {@link Monitor.observeProcess} finds. */
  readonly exclude: (own: object) => void;
  /** Calls back once when the program itself listens or connects over TCP for the first time that is observed. */
  readonly onFirstUse: (listener: () => void) => void;
  /** Looks for what no event says at once: listeners that were closed, names that are being looked up. */
  readonly poll: () => void;
  /** Calls back when the monitor is closed; at once if it is already. */
  readonly onClose: (listener: () => void) => void;
}

const MAX_REQUEST_LENGTH = 200;
const MAX_LABEL_LENGTH = 64;

/** The primary of the cluster that this process belongs to, which a process is from its first fork on. */
function primaryPid(): number | undefined {
  if (cluster.isWorker) return PARENT_PID;
  return Object.keys(cluster.workers ?? {}).length > 0 ? process.pid : undefined;
}

/** Read once: a worker whose primary has died gets another parent. */
const PARENT_PID: number = process.ppid;

const internals = new WeakMap<Monitor, MonitorInternals>();

/** The inside of a monitor, for the exporters. Throws if it is none of ours. */
export function internalsOf(monitor: Monitor): MonitorInternals {
  const inside = internals.get(monitor);
  if (inside === undefined) throw new TypeError(`not a monitor made by createMonitor: received ${show(monitor)}`);
  return inside;
}

/**
 * Creates a monitor. It starts sampling the kernel's table at once, on a timer that keeps nothing alive, and observes
 * what it is shown.
 *
 * @param options see {@link MonitorOptions}
 * @throws TypeError or RangeError with the value received, if an option is wrong
 * @example
 * const monitor = createMonitor({ sampleIntervalMs: 15_000 });
 * monitor.observeServer(server, { name: 'api' });
 */
export function createMonitor(options: MonitorOptions = {}): Monitor {
  const resolved = resolveOptions(options);
  const ledger = new Ledger(resolved.maxNames, resolved.level === 'full');
  const internalErrors = new Map<Component, number>();
  const handleEnds = noticeHandleEnds((socket, aborts) =>
    captureBeforeClose(context, sockets.get(socket), socket as NodeSocket, aborts),
  );
  const closeListeners: (() => void)[] = [];
  const useListeners: (() => void)[] = [];
  let stopProcess: (() => void) | undefined;
  let closed = false;

  function report(component: Component, error: unknown): void {
    const before = internalErrors.get(component) ?? 0;
    internalErrors.set(component, before + 1);
    if (before > 0) return;
    warn(`its ${component} failed: ${error instanceof Error ? error.message : String(error)}`, error);
  }

  function warn(message: string, cause?: unknown): void {
    const warning = new Error(`finwait: ${message}`, { cause });
    warning.name = 'FinwaitWarning';
    try {
      resolved.onWarning(warning);
    } catch {
      // The program's own callback: what it throws must not come back to it through us.
      internalErrors.set('callback', (internalErrors.get('callback') ?? 0) + 1);
    }
  }

  /** Held, because it is few and lives as long as the monitor. */
  const excluded = new Set<object>();
  const context: ObserveContext = {
    ledger,
    now: () => Math.round(performance.now() * TICKS_PER_MS),
    eofEvent: eofEventOf(process.versions.uv),
    handleEnds,
    waiting: new WaitingRecords(),
    sites: new CreationSites(),
    namers: new Set(),
    pools: new Set(),
    nameOf: undefined,
    onAgent: (agent) => agents.notice(agent),
    hasFamily: createFamilyCheck(),
    excluded,
    onUse: () => {
      if (useListeners.length === 0) return;
      for (const listener of useListeners.splice(0)) guard('callback', listener);
    },
    listenerOf: new WeakMap(),
    isProcessObserved: () => stopProcess !== undefined,
    recordOf: (socket) => sockets.get(socket),
    forgotten: new Set(),
    tuple: new Uint32Array(TUPLE_WORDS),
    endpoint: {},
    report,
  };
  const handler = socketEvents(context);
  const sockets = createTap<SocketRecord>(handler);
  const servers = observeServers(context, sockets, resolved.level === 'full');
  const agents = observeAgents(context, sockets, handler, () => stopProcess !== undefined);
  const undici = observeUndici(context, sockets, () => stopProcess !== undefined);
  const collector = new Collector(context, resolved, {
    pollServers: poll,
    claimListeners: !cluster.isWorker,
    primaryPid,
    warn,
    onFindings: (findings, table) => leakWatch.look(findings, table),
    onNameForgotten: (slot) => leakWatch.forget(slot),
  });
  const leakWatch = new LeakWatch(context, resolved, { warn, isClosed: () => closed });

  function poll(): void {
    servers.poll();
    countWaiting(context);
  }

  function refuseClosed(caller: string): void {
    if (closed) throw new Error(`${caller}: this monitor is closed`);
  }

  async function sampleFor(caller: string, sample: () => Promise<SampleResult>): Promise<SampleResult> {
    refuseClosed(caller);
    // The sampling keeps nothing alive, but a program that awaits it has something to do.
    const hold = setInterval(() => undefined, 60_000);
    try {
      return await sample();
    } finally {
      clearInterval(hold);
    }
  }

  function guard(component: Component, action: () => void): void {
    try {
      action();
    } catch (error) {
      report(component, error);
    }
  }

  const monitor: Monitor = {
    observeServer(server, nameOptions = {}) {
      refuseClosed('observeServer');
      if (!isServer(server)) throw new TypeError(`observeServer takes a net.Server, received ${show(server)}`);
      return servers.observe(server, resolveName('observeServer', nameOptions));
    },
    observeSocket(socket, nameOptions = {}) {
      refuseClosed('observeSocket');
      if (!isSocket(socket)) throw new TypeError(`observeSocket takes a net.Socket, received ${show(socket)}`);
      return observeOneSocket(context, sockets, socket as NodeSocket, resolveName('observeSocket', nameOptions));
    },
    observeAgent(agent, nameOptions = {}) {
      refuseClosed('observeAgent');
      if (!isAgent(agent)) throw new TypeError(`observeAgent takes an http.Agent, received ${show(agent)}`);
      return agents.observe(agent, resolveNameOf('observeAgent', nameOptions, report));
    },
    observeProcess(processOptions = {}) {
      refuseClosed('observeProcess');
      const nameOf = resolveNameOf('observeProcess', processOptions, report, ['findExisting']);
      const { findExisting = 'handles' } = processOptions;
      if (!FIND_EXISTING.includes(findExisting)) {
        throw new TypeError(`findExisting is one of ${FIND_EXISTING.join(', ')}, received ${show(findExisting)}`);
      }
      if (stopProcess !== undefined) return stopProcess;
      context.nameOf = nameOf;
      const stop = observeWholeProcess(context, sockets, servers, findExisting);
      const stopFollowing = undici.followProcess(findExisting !== 'none');
      stopProcess = () => {
        stop();
        stopFollowing();
        context.nameOf = undefined;
        stopProcess = undefined;
      };
      return stopProcess;
    },
    snapshot() {
      poll();
      return takeSnapshot(ledger, collector.isFresh() ? collector.column : undefined, context.now(), {
        forecast: collector.portForecast,
        pools: readPools(context),
        settings: collector.sysctls,
        pressure: collector.acceptPressure,
      });
    },
    leaks() {
      return leakReport(collector.findings, ledger.names, performance.now());
    },
    sample() {
      return sampleFor('sample', () => collector.sample());
    },
    async mark(label) {
      if (typeof label !== 'string' || label.length === 0 || label.length > MAX_LABEL_LENGTH) {
        throw new TypeError(`mark takes a label of 1 to ${MAX_LABEL_LENGTH} characters, received ${show(label)}`);
      }
      await sampleFor('mark', () => collector.sampleAnew());
      const snapshot = monitor.snapshot();
      return Object.freeze({
        label,
        atMs: performance.now(),
        snapshot,
        leaks: monitor.leaks(),
        namespace: namespaceCounts(collector.counters),
      });
    },
    noteRequest(socket, request) {
      if (typeof socket !== 'object' || socket === null || typeof request !== 'string') return;
      // HTTP/2 hands out a proxy, which throws when it is read once its session has ended.
      if (types.isProxy(socket)) return;
      const record = recordOf(sockets, socket);
      if (record !== undefined) record.request = request.slice(0, MAX_REQUEST_LENGTH);
    },
    close() {
      if (closed) return;
      closed = true;
      collector.close();
      stopProcess?.();
      undici.stop();
      agents.stop();
      servers.stop();
      for (const record of [...ledger.records, ...context.waiting.keys()]) {
        letGo(context, sockets, record, record.socket as NodeSocket | undefined);
      }
      sockets.stop();
      handleEnds.stop();
      // A registry or a meter that is not ours may throw when it is taken leave of.
      for (const listener of closeListeners.splice(0)) guard('exporter', listener);
    },
  };
  internals.set(monitor, {
    ledger,
    collector,
    remedied: leakWatch.remedied,
    netns: readNetns(),
    level: resolved.level,
    nowMs: () => performance.now(),
    pools: () => readPools(context),
    undici: () => {
      refuseClosed('observeUndici');
      return undici;
    },
    internalErrors,
    report,
    exclude: (own) => excluded.add(own),
    onFirstUse: (listener) => useListeners.push(listener),
    poll,
    onClose: (listener) => {
      if (closed) guard('exporter', listener);
      else closeListeners.push(listener);
    },
  });
  return monitor;
}
