import type { Side } from '../../sockets/names.ts';
import type { SocketKind } from '../../sockets/socket-kind.ts';
import type { StateLabel } from '../../tcp/state.ts';
import type { LeakCause, LeakFacts, Share } from './leak.ts';

/** One leaked socket, as far as it decides where it belongs. */
export interface LeakEntry {
  readonly cause: LeakCause;
  readonly state: StateLabel;
  readonly side: Side | 'unknown';
  readonly name: string;
  readonly kind: SocketKind;
  readonly request: string | undefined;
  readonly site: string | undefined;
  readonly pairedWith: string | undefined;
  readonly ageMs: number;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly unreadInNode: number;
  readonly unsentInNode: number;
  readonly isPaused: boolean;
}

/** Entries with one culprit and one cause. */
export interface EntryGroup<E extends LeakEntry> {
  /** The same for the same culprit and cause whenever groups are made. */
  readonly id: string;
  readonly facts: LeakFacts;
  /** The oldest first. */
  readonly samples: readonly E[];
}

/** With more requests than these, all of a culprit are one group: which of them are the most frequent changes all the time. */
const OWN_REQUESTS = 5;
/** Values of a group that are counted: requests, sites and pairs. */
const MOST_VALUES = 256;
const SAMPLES = 5;
const SHARES = 3;

/**
 * Puts leaked sockets together by what leaks and why: state, cause, name, kind, and the request as long as a culprit has
 * few of these. Bounded by the number of names, whatever the sockets served; the ids do not depend on what is frequent.
 */
export class LeakGroups<E extends LeakEntry> {
  readonly #culprits: Map<string, Map<string, Gathering<E>>> = new Map();
  #entries = 0;

  /** How many entries were put in. */
  get entries(): number {
    return this.#entries;
  }

  add(entry: E): void {
    this.#entries++;
    const id = `${entry.state}/${entry.cause}/${entry.side}/${entry.name}/${entry.kind}`;
    let requests = this.#culprits.get(id);
    if (requests === undefined) {
      requests = new Map();
      this.#culprits.set(id, requests);
    }
    const request = entry.request ?? '';
    let gathering = requests.get(request);
    if (gathering === undefined) {
      gathering = new Gathering(request === '' ? id : `${id}/${request}`);
      requests.set(request, gathering);
    }
    gathering.add(entry);
  }

  /** The largest group first. */
  finish(): EntryGroup<E>[] {
    const groups = [...this.#culprits].flatMap(([id, requests]) => mergeMany(id, [...requests.values()]));
    return groups.sort((one, other) => other.size - one.size).map((gathering) => gathering.finish());
  }
}

/** One culprit's gatherings, in one if they are many. */
function mergeMany<E extends LeakEntry>(id: string, gatherings: readonly Gathering<E>[]): readonly Gathering<E>[] {
  if (gatherings.length <= OWN_REQUESTS) return gatherings;
  const all = new Gathering<E>(`${id}/${ANY_REQUEST}`);
  for (const gathering of gatherings) all.merge(gathering);
  return [all];
}

/** Entries of one group, as sums. */
class Gathering<E extends LeakEntry> {
  readonly #id: string;
  #size = 0;
  #oldestAgeMs = 0;
  #receiveQueue = 0;
  #sendQueue = 0;
  #unreadInNode = 0;
  #unsentInNode = 0;
  #paused = 0;
  readonly #requests: Map<string, number> = new Map();
  readonly #sites: Map<string, number> = new Map();
  readonly #pairedWith: Map<string, number> = new Map();
  /** The oldest first. */
  #samples: E[] = [];

  constructor(id: string) {
    this.#id = id;
  }

  get size(): number {
    return this.#size;
  }

  add(entry: E): void {
    this.#size++;
    this.#oldestAgeMs = Math.max(this.#oldestAgeMs, entry.ageMs);
    this.#receiveQueue += entry.receiveQueue;
    this.#sendQueue += entry.sendQueue;
    this.#unreadInNode += entry.unreadInNode;
    this.#unsentInNode += entry.unsentInNode;
    if (entry.isPaused) this.#paused++;
    count(this.#requests, entry.request, 1);
    count(this.#sites, entry.site, 1);
    count(this.#pairedWith, entry.pairedWith, 1);
    const youngest = this.#samples.at(-1);
    if (this.#samples.length === SAMPLES && youngest !== undefined && youngest.ageMs >= entry.ageMs) return;
    this.#keep([entry]);
  }

  merge(other: Gathering<E>): void {
    this.#size += other.#size;
    this.#oldestAgeMs = Math.max(this.#oldestAgeMs, other.#oldestAgeMs);
    this.#receiveQueue += other.#receiveQueue;
    this.#sendQueue += other.#sendQueue;
    this.#unreadInNode += other.#unreadInNode;
    this.#unsentInNode += other.#unsentInNode;
    this.#paused += other.#paused;
    for (const [request, sockets] of other.#requests) count(this.#requests, request, sockets);
    for (const [site, sockets] of other.#sites) count(this.#sites, site, sockets);
    for (const [name, sockets] of other.#pairedWith) count(this.#pairedWith, name, sockets);
    this.#keep(other.#samples);
  }

  finish(): EntryGroup<E> {
    const [{ cause, state, side, name, kind }] = this.#samples as [E];
    return {
      id: this.#id,
      facts: {
        cause,
        state,
        side,
        name,
        kind,
        sockets: this.#size,
        oldestAgeMs: this.#oldestAgeMs,
        requests: mostFrequent(this.#requests),
        sites: mostFrequent(this.#sites),
        pairedWith: mostFrequent(this.#pairedWith),
        receiveQueue: this.#receiveQueue,
        sendQueue: this.#sendQueue,
        unreadInNode: this.#unreadInNode,
        unsentInNode: this.#unsentInNode,
        paused: this.#paused,
      },
      samples: this.#samples,
    };
  }

  #keep(entries: readonly E[]): void {
    this.#samples = [...this.#samples, ...entries].sort((one, other) => other.ageMs - one.ageMs).slice(0, SAMPLES);
  }
}

function count(values: Map<string, number>, value: string | undefined, sockets: number): void {
  if (value === undefined) return;
  const known = values.get(value);
  if (known === undefined && values.size >= MOST_VALUES) return;
  values.set(value, (known ?? 0) + sockets);
}

function mostFrequent(values: ReadonlyMap<string, number>): Share[] {
  return [...values]
    .sort(([one, sockets], [other, others]) => others - sockets || (one < other ? -1 : 1))
    .slice(0, SHARES)
    .map(([value, sockets]) => ({ value, sockets }));
}

/** Stands for all requests of a culprit; no request has such a text. */
const ANY_REQUEST = '*';
