import type { NameEntry } from '../sockets/names.ts';
import { FLAG, type SocketRecord } from '../sockets/record.ts';
import { type Destination, noticeConnects } from './connect-calls.ts';
import type { NameOf, ObserveContext } from './context.ts';
import { isSocket, type NodeSocket } from './node-socket.ts';
import { leave, observeConnect, observeSocket } from './socket.ts';
import { createTap, type Tap, type TapHandler } from './tap.ts';

/** The documented fields of an http.Agent, each by a key of host, port and more. */
export interface NodeAgent {
  readonly sockets: { readonly [key: string]: readonly object[] | undefined };
  readonly freeSockets: { readonly [key: string]: readonly object[] | undefined };
  readonly requests: { readonly [key: string]: readonly unknown[] | undefined };
}

/** The agents of a program: their sockets' names, and what their pools hold. */
export interface AgentObserver {
  /** Returns the function that ends it; observing an agent twice returns the first one's. */
  observe(agent: NodeAgent, nameOf: NameOf | undefined): () => void;
  /** An agent was met whose pool is worth to be shown. */
  notice(agent: object): void;
  stop(): void;
}

/** What is kept of an agent. */
interface KnownAgent {
  readonly agent: WeakRef<NodeAgent>;
  nameOf: NameOf | undefined;
  /** The name of each key, which stays when the pool is empty for a while. */
  readonly names: Map<string, NameEntry>;
}

export function isAgent(value: unknown): value is NodeAgent {
  if (typeof value !== 'object' || value === null) return false;
  const { sockets, freeSockets, requests } = value as { readonly [key in keyof NodeAgent]?: unknown };
  return [sockets, freeSockets, requests].every((each) => typeof each === 'object' && each !== null);
}

/** A socket that is about to connect, of which nobody knows yet whether it is an agent's. */
interface Candidate {
  readonly destination: Destination | undefined;
  /** Where the program opened it. */
  readonly site: string | undefined;
}

/**
 * Creates the observer of agents.
 *
 * @param sockets the tap that all records share
 * @param handler what that tap calls
 * @param isProcessObserved whether every socket of the process is observed already
 */
export function observeAgents(
  context: ObserveContext,
  sockets: Tap<SocketRecord>,
  handler: TapHandler<SocketRecord>,
  isProcessObserved: () => boolean,
): AgentObserver {
  const known = new Set<KnownAgent>();
  const byAgent = new WeakMap<object, KnownAgent>();
  const stops = new Map<KnownAgent, () => void>();
  let stopConnects: (() => void) | undefined;

  // connect() is called before the agent has the socket on its list, so the first event decides: that comes later.
  const candidates = createTap<Candidate>({
    before({ destination, site }, target, event, first, second, fourth) {
      try {
        const socket = target as NodeSocket;
        candidates.detach(socket);
        if (sockets.get(socket) !== undefined || holderOf(socket, (entry) => stops.has(entry)) === undefined)
          return false;
        const record = observeConnect(context, sockets, socket, destination, false, false);
        if (record !== undefined && site !== undefined) context.sites.put(record, site);
        // This event was on its way before the record was there.
        if (record !== undefined) handler.before(record, socket, event, first, second, fourth);
      } catch (error) {
        context.report('observer', error);
      }
      return false;
    },
    after() {},
  });

  function connectBegins(socket: NodeSocket, destination: Destination | undefined): void {
    if (isProcessObserved() || sockets.get(socket) !== undefined) return;
    candidates.attach(socket, { destination, site: context.sites.take(socket, destination, context.now()) });
  }

  /** The agent that has a socket, of those that are asked. */
  function holderOf(socket: object, isAsked: (entry: KnownAgent) => boolean): KnownAgent | undefined {
    for (const entry of known) {
      const agent = isAsked(entry) ? entry.agent.deref() : undefined;
      if (agent === undefined) continue;
      const lists = [...Object.values(agent.sockets), ...Object.values(agent.freeSockets)];
      // The newest is the last.
      if (lists.some((list) => list !== undefined && list.lastIndexOf(socket) >= 0)) return entry;
    }
    return undefined;
  }

  function remember(agent: NodeAgent, nameOf: NameOf | undefined): KnownAgent {
    let entry = byAgent.get(agent);
    if (entry === undefined) {
      entry = { agent: new WeakRef(agent), nameOf, names: new Map() };
      byAgent.set(agent, entry);
      known.add(entry);
    } else if (nameOf !== undefined) entry.nameOf = nameOf;
    return entry;
  }

  // An agent puts a socket on its list in the tick of connect(), and the name is asked for after that.
  context.namers.add((socket, host, port) =>
    holderOf(socket, ({ nameOf }) => nameOf !== undefined)?.nameOf?.(host, port),
  );

  context.pools.add((tell) => {
    for (const entry of known) {
      const agent = entry.agent.deref();
      if (agent === undefined) known.delete(entry);
      else tellPool(entry, agent, tell);
    }
  });

  function tellPool(
    entry: KnownAgent,
    agent: NodeAgent,
    tell: (slot: number, active: number, idle: number, pending: number) => void,
  ): void {
    const keys = new Set([...entry.names.keys(), ...Object.keys(agent.sockets), ...Object.keys(agent.freeSockets)]);
    for (const key of keys) {
      const active = agent.sockets[key] ?? NONE;
      const idle = agent.freeSockets[key] ?? NONE;
      const name = nameAt(entry, key, active[0] ?? idle[0]);
      if (name === undefined) continue;
      tell(name.slot, active.length, idle.length, agent.requests[key]?.length ?? 0);
    }
  }

  function nameAt(entry: KnownAgent, key: string, socket: object | undefined): NameEntry | undefined {
    const { names } = context.ledger;
    const slot = socket === undefined ? -1 : (sockets.get(socket)?.slot ?? -1);
    const name = slot >= 0 ? names.at(slot) : entry.names.get(key);
    // An idle name may have given its place to another one.
    if (name === undefined || names.at(name.slot) !== name) {
      entry.names.delete(key);
      return undefined;
    }
    entry.names.set(key, name);
    return name;
  }

  /** What else was shown to the monitor, by itself or with the whole process, stays. */
  function leaveAll(agent: NodeAgent): void {
    for (const socket of allSocketsOf(agent)) {
      const record = sockets.get(socket);
      if (record === undefined || (record.flags & FLAG.named) !== 0) continue;
      leave(context, sockets, record, socket as NodeSocket, isProcessObserved());
    }
  }

  return {
    observe(agent, nameOf) {
      const entry = remember(agent, nameOf);
      const earlier = stops.get(entry);
      if (earlier !== undefined) return earlier;
      for (const socket of allSocketsOf(agent)) {
        if (isSocket(socket)) observeSocket(context, sockets, socket, undefined);
      }
      const stop = (): void => {
        known.delete(entry);
        stops.delete(entry);
        const agent = entry.agent.deref();
        if (agent !== undefined) {
          byAgent.delete(agent);
          leaveAll(agent);
        }
        if (stops.size > 0) return;
        stopConnects?.();
        stopConnects = undefined;
      };
      stops.set(entry, stop);
      stopConnects ??= noticeConnects(context, connectBegins);
      return stop;
    },
    stop() {
      for (const stop of [...stops.values()]) stop();
      candidates.stop();
    },
    notice(agent) {
      if (!byAgent.has(agent) && isAgent(agent)) remember(agent, undefined);
    },
  };
}

/** The sockets in use, or the idle ones, of an agent. */
export function socketsOf(byKey: NodeAgent['sockets']): readonly object[] {
  return Object.values(byKey).flatMap((list) => list ?? NONE);
}

function allSocketsOf({ sockets, freeSockets }: NodeAgent): readonly object[] {
  return [...socketsOf(sockets), ...socketsOf(freeSockets)];
}

const NONE: readonly never[] = [];
