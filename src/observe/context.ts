import type { Component } from '../sockets/component.ts';
import type { Ledger, ListenerRecord } from '../sockets/ledger.ts';
import type { SocketRecord } from '../sockets/record.ts';
import type { WaitingRecords } from '../sockets/waiting-records.ts';
import { EVENT } from '../tcp/event.ts';
import type { Destination } from './connect-calls.ts';
import type { CreationSites } from './creation-site.ts';
import type { HandleEnds } from './handle-end.ts';
import type { EndpointOut } from './node-socket.ts';

/** What every observer of one monitor shares. */
export interface ObserveContext {
  readonly ledger: Ledger;
  /** The ledger's clock, in ticks. */
  readonly now: () => number;
  /** What 'end' proves on this libuv. */
  readonly eofEvent: typeof EVENT.eof | typeof EVENT.eofOrReset;
  /** Notices how handles end. */
  readonly handleEnds: HandleEnds;
  /** Servers and sockets of finwait itself, which are in no metric. */
  readonly excluded: ReadonlySet<object>;
  /**
   * Connect operations that have had no attempt yet, with where they go as far as connect() was seen. They get a name at
   * the first attempt or at a scrape: one that the program gives right after connect() is in time.
   */
  readonly waiting: WaitingRecords<Destination>;
  /** Where the program opened its client sockets. */
  readonly sites: CreationSites;
  /** What else may know a name, asked in turn when a connect operation needs one. */
  readonly namers: Set<Namer>;
  /** Asked when none of them knows. */
  nameOf: NameOf | undefined;
  /** A socket is used by an http.Agent. */
  readonly onAgent: (agent: object) => void;
  /** The connection pools that are known, each asked when somebody wants to know. */
  readonly pools: Set<PoolReader>;
  /** Whether this host has an address of a family at all. */
  readonly hasFamily: (isIpv6: boolean) => boolean;
  /** Called when the program listens or connects over TCP, each time. */
  readonly onUse: () => void;
  /** The listener of a server that is observed. */
  readonly listenerOf: WeakMap<object, ListenerRecord>;
  /** Whether every socket of the process is observed. */
  readonly isProcessObserved: () => boolean;
  /** The record that a socket has, if it has one. */
  readonly recordOf: (socket: object) => SocketRecord | undefined;
  /** Open connections of which Node has lost the handle without closing it: their descriptors stay until the process ends. */
  readonly forgotten: Set<SocketRecord>;
  /** Scratch space for one tuple and one endpoint: observers run one after another. */
  readonly tuple: Uint32Array;
  readonly endpoint: EndpointOut;
  /** Counts something that went wrong in finwait, instead of throwing it into the program. */
  readonly report: (component: Component, error: unknown) => void;
}

/** Tells what one pool holds: connections in use, idle ones, and requests that wait for one, by name slot. */
export type PoolReader = (tell: (slot: number, active: number, idle: number, pending: number) => void) => void;

/** Chooses the name of a connection by where it goes: the program's own function, made safe. Undefined leaves the default. */
export type NameOf = (host: string | undefined, port: number) => string | undefined;

/** Names a client socket that it knows, or by what it connects to; undefined where it does not. */
export type Namer = (socket: object, host: string | undefined, port: number) => string | undefined;

/**
 * What 'end' proves: libuv before 1.52 turns data that is followed by an RST in the same poll into a clean end of file
 * (measured with 1.46 and 1.51 against 1.52).
 */
export function eofEventOf(libuvVersion: string): typeof EVENT.eof | typeof EVENT.eofOrReset {
  const [major = 0, minor = 0] = libuvVersion.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 52) ? EVENT.eof : EVENT.eofOrReset;
}
