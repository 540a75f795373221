import type { NameEntry } from '../sockets/names.ts';
import type { SocketRecord } from '../sockets/record.ts';
import type { NameOf, ObserveContext } from './context.ts';
import { isSocket } from './node-socket.ts';
import { observeSocket } from './socket.ts';
import type { Tap } from './tap.ts';

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

/** Creates the observer of agents; `sockets` is the tap that all records share. */
export function observeAgents(context: ObserveContext, sockets: Tap<SocketRecord>): AgentObserver {
  const known = new Set<KnownAgent>();
  const byAgent = new WeakMap<object, KnownAgent>();
  const stops = new WeakMap<object, () => void>();

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
      const earlier = stops.get(agent);
      if (earlier !== undefined) return earlier;
      const begun = new Set<() => void>();
      for (const socket of listsOf(agent).flat()) {
        if (isSocket(socket)) begun.add(observeSocket(context, sockets, socket, undefined));
      }
      const stop = (): void => {
        for (const stopOne of begun) stopOne();
        begun.clear();
        known.delete(entry);
        byAgent.delete(agent);
        stops.delete(agent);
      };
      stops.set(agent, stop);
      return stop;
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
