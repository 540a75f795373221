import net from 'node:net';
import type { SocketRecord } from '../sockets/record.ts';
import { SiteSampling } from '../sockets/site-sampling.ts';
import { type SiteOrigin, siteOriginOf, siteText } from '../sockets/site-text.ts';
import { callStack } from './call-stack.ts';
import { type Destination, destinationOf } from './connect-calls.ts';
import { connectOptionsOf, type NodeSocket } from './node-socket.ts';

/** fetch() stands 31 frames above the connect() that it leads to (Node 26). */
const FRAMES = 40;
const MAX_SITES = 1_000;

/** Where the program opened its client sockets, such as `lib/proxy.ts:118`, of a sample of them. */
export class CreationSites {
  /** Beside the records and not in them: few have one, and a field would cost each of them its bytes. */
  readonly #sites: WeakMap<SocketRecord, string> = new WeakMap();
  readonly #sampling: SiteSampling = new SiteSampling();
  /** One string for all sockets of a place. */
  readonly #known: Map<string, string> = new Map();

  /** The place; undefined where it was not looked for, or no code of the program was being called. */
  of(record: SocketRecord): string | undefined {
    return this.#sites.get(record);
  }

  put(record: SocketRecord, site: string): void {
    this.#sites.set(record, site);
  }

  /** A name's slot belongs to another name from now on. */
  forget(slot: number): void {
    this.#sampling.forget(slot);
  }

  /** The same as {@link take}, for a socket that has a record. */
  note(record: SocketRecord, socket: NodeSocket, destination: Destination | undefined, at: number): void {
    const site = this.take(socket, destination, at, record.slot);
    if (site !== undefined) this.#sites.set(record, site);
    // Of a socket that connects again the place before is of another connection.
    else if (record.transition >= 0) this.#sites.delete(record);
  }

  /**
   * The place that a socket is being connected from, if it is one of the sample; only while connect() is being called.
   *
   * @param slot of its name, if it has one: it connects again, or the program named it before
   */
  take(socket: NodeSocket, destination: Destination | undefined, at: number, slot: number = -1): string | undefined {
    const key = slot >= 0 ? slot : keyOf(socket, destination);
    if (!this.#sampling.take(key, at)) return undefined;
    const site = currentSite();
    if (site === undefined) return undefined;
    const known = this.#known.get(site);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_SITES) this.#known.clear();
    this.#known.set(site, site);
    return site;
  }
}

function keyOf(socket: NodeSocket, destination: Destination | undefined): string | undefined {
  if (destination !== undefined) return `${destination.host}:${destination.port}`;
  const options = socket.encrypted === true ? connectOptionsOf(socket) : undefined;
  const known = options === undefined ? undefined : destinationOf(options, undefined);
  return known ? `${known.host}:${known.port}` : undefined;
}

/** The newest call of the program's own code above connect(), else of a package; as text, so no frame stays alive. */
function currentSite(): string | undefined {
  let found: SiteOrigin = 'none';
  let file = '';
  let line = 0;
  function read(frame: NodeJS.CallSite): void {
    if (found === 'program') return;
    const script = frame.getFileName() ?? '';
    const origin = siteOriginOf(script);
    if (origin === 'none' || origin === found || isOurs(script, frame)) return;
    found = origin;
    file = script;
    line = frame.getLineNumber() ?? 0;
  }
  // From whatever stands there as connect(): a patch of somebody, or ours, is no place of the program either.
  callStack(FRAMES, read, net.Socket.prototype.connect);
  return found === 'none' ? undefined : siteText(file, line, workingDirectory());
}

/** Every event of a socket passes through our emit, which the program did not write. */
function isOurs(script: string, frame: NodeJS.CallSite): boolean {
  return script.includes(OWN_FOLDER) && /\bemit(?:Patched)?$/.test(frame.getFunctionName() ?? '');
}

/** Where the sources are, or the bundle. */
const OWN_FOLDER: string = import.meta.url.replace(/^file:\/\//, '').replace(/(?:chunks|observe)\/[^/]*$|[^/]*$/, '');

/** Throws in a folder that was removed. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}
