import type { NameEntry } from '../sockets/names.ts';
import { FLAG, type SocketRecord } from '../sockets/record.ts';
import { type Destination, noticeConnects } from './connect-calls.ts';
import type { NameOf, ObserveContext } from './context.ts';
import { isProxied, isSocket, type NodeSocket } from './node-socket.ts';
import { letGo, observeConnect, observeSocket } from './socket.ts';
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
    before({ destination }, target, event, first, second, fourth) {
      try {
        const socket = target as NodeSocket;
        candidates.detach(socket);
        if (sockets.get(socket) !== undefined || !isObservedAgents(socket)) return false;
        observeConnect(context, sockets, socket, destination);
        const record = sockets.get(socket);
        if (record === undefined) return false;
        record.flags &= ~FLAG.found;
        // This event was on its way before the record was there.
        handler.before(record, socket, event, first, second, fourth);
      } catch (error) {
        context.report('observer', error);
      }
      return false;
    },
    after() {},
  });

  function connectBegins(socket: object, destination: Destination | undefined): void {
    try {
      const isOurs = isProcessObserved() || isProxied(socket) || !isSocket(socket) || context.excluded.has(socket);
      if (!isOurs && sockets.get(socket) === undefined) candidates.attach(socket, { destination });
    } catch (error) {
      context.report('observer', error);
    }
  }

  /** What else was shown to the monitor, by itself or with the whole process, stays. */
  function leave(agent: NodeAgent): void {
    for (const socket of listsOf(agent).flat()) {
      const record = sockets.get(socket);
      if (record === undefined || (record.flags & FLAG.named) !== 0) continue;
      if (isProcessObserved()) record.flags |= FLAG.found;
      else letGo(context, sockets, record, socket as NodeSocket);
    }
  }

  function isObservedAgents(socket: object): boolean {
    for (const entry of stops.keys()) {
      const pool = entry.agent.deref();
      if (pool !== undefined && listsOf(pool).some((list) => list.lastIndexOf(socket) >= 0)) return true;
    }
    return false;
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
  context.namers.add((socket, host, port) => {
    for (const { agent, nameOf } of known) {
      if (nameOf === undefined) continue;
      const pool = agent.deref();
      if (pool !== undefined && listsOf(pool).some((list) => list.lastIndexOf(socket) >= 0)) return nameOf(host, port);
    }
    return undefined;
  });

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

  return {
    observe(agent, nameOf) {
      const entry = remember(agent, nameOf);
      const earlier = stops.get(entry);
      if (earlier !== undefined) return earlier;
      for (const socket of listsOf(agent).flat()) {
        if (isSocket(socket)) observeSocket(context, sockets, socket, undefined);
      }
      const stop = (): void => {
        const pool = entry.agent.deref();
        if (pool !== undefined) leave(pool);
        known.delete(entry);
        if (pool !== undefined) byAgent.delete(pool);
        stops.delete(entry);
        if (stops.size > 0) return;
        stopConnects?.();
        stopConnects = undefined;
      };
      stops.set(entry, stop);
      stopConnects ??= noticeConnects(connectBegins);
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

/** The sockets in use and the idle ones, by key. */
function listsOf({ sockets, freeSockets }: NodeAgent): (readonly object[])[] {
  return [...Object.values(sockets), ...Object.values(freeSockets)].filter((list) => list !== undefined);
}

const NONE: readonly never[] = [];
