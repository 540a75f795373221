import { EventEmitter } from 'node:events';
import { callStack } from './call-stack.ts';
import { isProxied } from './node-socket.ts';

/** The `emit` of an EventEmitter. */
export type Emit = (this: unknown, event: string | symbol, ...values: unknown[]) => boolean;

/** The events that may mean something to an observer of sockets or of servers, each as a small integer. */
export const WATCHED = {
  none: 0,
  end: 1,
  finish: 2,
  close: 3,
  error: 4,
  lookup: 5,
  connect: 6,
  connectionAttempt: 7,
  connectionAttemptFailed: 8,
  connectionAttemptTimeout: 9,
  connection: 10,
  secureConnection: 11,
  listening: 12,
  upgrade: 13,
  secureConnect: 14,
  free: 15,
  timeout: 16,
  request: 17,
  drop: 18,
  agentRemove: 19,
} as const;

/** One of {@link WATCHED}. */
export type Watched = (typeof WATCHED)[keyof typeof WATCHED];

/**
 * What a tap calls around every event of {@link WATCHED}. Neither may throw.
 *
 * `before` is given the values that the observers need, by their place behind the event's name. `after` runs once the
 * program's listeners have, and only where `before` returned true.
 */
export interface TapHandler<T extends object> {
  before(record: T, target: object, event: Watched, first: unknown, second: unknown, fourth: unknown): boolean;
  after(record: T, target: object, event: Watched): void;
}

/** A way to see the events of emitters without adding a listener to any. */
export interface Tap<T extends object> {
  /**
   * Starts to watch an emitter; the record that was carried before is replaced. Returns false where nothing can be put on
   * the emitter, because the program has frozen it or shows it behind a proxy whose traps would see us: it is left alone.
   */
  attach(target: object, record: T): boolean;
  /** Stops to watch, and leaves the emitter as it was found, or passes through where somebody patched over us. */
  detach(target: object): void;
  /** What an emitter carries. */
  get(target: object): T | undefined;
  /** Stops to watch whatever is left: an emitter that nobody keeps a list of is left at its next event. */
  stop(): void;
}

type Target = { emit: Emit };

/** What an emitter inherits where nobody has patched anything. */
const PLAIN_EMIT: Emit = EventEmitter.prototype.emit as Emit;

/** On an `emit` of ours, of whichever copy of finwait: called when it is on top again and may be in use no more. */
const UNCOVERED = Symbol.for('finwait.uncovered.1');

/**
 * One list for all taps, and not a method of each handler: it runs for every event of every socket, 'data' included, and
 * only a function that is the same at every call is inlined.
 */
function watchedOf(event: string | symbol): Watched {
  switch (event) {
    // By far the most frequent one, and none of ours: it need not be compared with all the others.
    case 'data':
      return WATCHED.none;
    // An http.Server emits one of these for each request.
    case 'request':
    case 'checkContinue':
    case 'checkExpectation':
      return WATCHED.request;
    case 'end':
      return WATCHED.end;
    case 'finish':
      return WATCHED.finish;
    case 'close':
      return WATCHED.close;
    case 'error':
      return WATCHED.error;
    case 'lookup':
      return WATCHED.lookup;
    case 'connect':
      return WATCHED.connect;
    case 'connectionAttempt':
      return WATCHED.connectionAttempt;
    case 'connectionAttemptFailed':
      return WATCHED.connectionAttemptFailed;
    case 'connectionAttemptTimeout':
      return WATCHED.connectionAttemptTimeout;
    case 'connection':
      return WATCHED.connection;
    case 'secureConnection':
      return WATCHED.secureConnection;
    case 'listening':
      return WATCHED.listening;
    case 'upgrade':
      return WATCHED.upgrade;
    case 'secureConnect':
      return WATCHED.secureConnect;
    case 'free':
      return WATCHED.free;
    case 'agentRemove':
      return WATCHED.agentRemove;
    case 'timeout':
      return WATCHED.timeout;
    case 'drop':
      return WATCHED.drop;
    default:
      return WATCHED.none;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** A call of an `emit` of the program that is under way, made by ours. */
interface PatchedCall {
  readonly target: object;
  readonly next: Emit;
  readonly event: string | symbol;
  /** It has called ours, and what it calls after that are listeners. */
  isEntered: boolean;
}

let patchedCall: PatchedCall | undefined;

/** Of every `emit` of the program that was met below itself: whether it calls ours. */
const callsOurs = new WeakMap<Emit, boolean>();

/**
 * Whether a patch calls ours in place of Node's, because it was made of the `emit` of a socket: `const { emit } = socket;
 * Socket.prototype.emit = function (...values) { return emit.apply(this, values); }`. Ours would find it again, for ever.
 * A listener that emits the event it is called for looks the same, but for Node's own emit that called it.
 */
function isCallOfPatch(target: object, next: Emit, event: string | symbol): boolean {
  const call = patchedCall;
  if (call === undefined || call.isEntered || call.target !== target || call.next !== next || call.event !== event) {
    return false;
  }
  const known = callsOurs.get(next) ?? !isCalledByListener();
  callsOurs.set(next, known);
  call.isEntered = known;
  return known;
}

/** Whether Node's emit lies between the newest two calls of ours on the stack. */
function isCalledByListener(): boolean {
  const files = callStack(Number.POSITIVE_INFINITY, (frame) => frame.getFileName());
  // Where the stack cannot be asked for, a listener is likelier by far.
  if (files === undefined) return true;
  const [ours] = files;
  const from = files.findIndex((file) => file !== ours);
  const between = files.slice(from, files.indexOf(ours as string, from));
  return between.includes('node:events');
}

/** Constructs the object it is given, so that a class below it can put private fields on that. */
class Itself {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: the one way to put a private field on an object of others
    return object;
  }
}

/**
 * Creates a tap: one `emit` function, shared by all emitters of the tap and set as their own non-enumerable property,
 * which looks at the event and passes it on to the `emit` below: the own one it found there, else the prototype's at
 * the time of the call. No listener is added, so nothing the program counts changes and `removeAllListeners()` does
 * not blind us. Two taps on one emitter, or somebody else's patch, chain.
 */
export function createTap<T extends object>(handler: TapHandler<T>): Tap<T> {
  /**
   * Puts a record on an emitter as a private field of this tap: nobody sees it, an object that inherits from the
   * emitter does not have it, and it costs a tenth of a non-enumerable property (10 ns against 120).
   */
  class Carrier extends Itself {
    #record: T | undefined;
    constructor(target: object, record: T) {
      super(target);
      this.#record = record;
    }
    static get(target: object): T | undefined {
      return #record in target ? target.#record : undefined;
    }
    /** The same for what almost surely has one: `in` would look it up a second time, 10 ns an event. */
    static getKnown(target: object): T | undefined {
      try {
        return (target as Carrier).#record;
      } catch {
        return undefined;
      }
    }
    static set(target: object, record: T | undefined): void {
      if (#record in target) target.#record = record;
      else if (record !== undefined) new Carrier(target, record);
    }
  }
  /** The own `emit` that stood there before ours, and the function put over it; almost always empty. */
  const patched = new WeakMap<object, { readonly before: PropertyDescriptor; readonly ours: Emit }>();
  /** Emitters that were left while somebody's patch lay over our emit; almost always empty. */
  const covered = new WeakSet<object>();
  let stopped = false;

  // Both use `arguments`, because a rest parameter would allocate an array for every event of every socket; and only ever
  // by index or as the last argument of Reflect.apply, because then V8 makes no object of it either.

  /** Over what an emitter inherits. */
  function emit(this: Target, event: string | symbol): boolean {
    const prototype = isObject(this) ? (Object.getPrototypeOf(this) as Target | null) : null;
    // biome-ignore lint/complexity/noArguments: see above
    if (prototype?.emit !== PLAIN_EMIT) return Reflect.apply(emitPatched, this, arguments);
    const watched = watchedOf(event);
    // The constant, though it is what was found: V8 inlines only what it knows.
    // biome-ignore lint/complexity/noArguments: see above
    if (watched === WATCHED.none && !stopped) return Reflect.apply(PLAIN_EMIT, this, arguments);
    // biome-ignore lint/complexity/noArguments: see above
    const record = before(this, watched, arguments[1], arguments[2], arguments[4]);
    // biome-ignore lint/complexity/noArguments: see above
    const result = Reflect.apply(PLAIN_EMIT, this, arguments);
    if (record !== undefined) handler.after(record, this, watched);
    return result;
  }

  /** Over an own `emit` of the program. */
  function createEmit(below: Emit): Emit {
    return undoable(function emit(this: Target, event: string | symbol): boolean {
      const watched = watchedOf(event);
      // biome-ignore lint/complexity/noArguments: see above
      const record = before(this, watched, arguments[1], arguments[2], arguments[4]);
      // biome-ignore lint/complexity/noArguments: see above
      const result = Reflect.apply(below, this, arguments);
      if (record !== undefined) handler.after(record, this, watched);
      return result;
    } as Emit);
  }

  function undoable(emit: Emit): Emit {
    return Object.defineProperty(emit, UNCOVERED, { value: detachUnused });
  }

  const sharedEmit = undoable(emit as Emit);

  /** The same where it inherits ours (Object.create), or another than Node's: that of a class of the program, or a patch. */
  function emitPatched(this: Target, ...values: Parameters<Emit>): boolean {
    const next = inheritedEmit(this, sharedEmit);
    const isPlain = next === PLAIN_EMIT;
    if (!isPlain && (isBorrowed(this) || isCallOfPatch(this, next, values[0]))) {
      return Reflect.apply(PLAIN_EMIT, this, values);
    }
    const outer = patchedCall;
    if (!isPlain) patchedCall = { target: this, next, event: values[0], isEntered: false };
    try {
      const watched = watchedOf(values[0]);
      const record = before(this, watched, values[1], values[2], values[4]);
      const result = Reflect.apply(next, this, values);
      if (record !== undefined) handler.after(record, this, watched);
      return result;
    } finally {
      patchedCall = outer;
    }
  }

  /** Whether the program calls ours on an emitter that never had it: in place of Node's, which is what it took it for. */
  function isBorrowed(target: Target): boolean {
    if (!isObject(target)) return true;
    return Carrier.get(target) === undefined && !covered.has(target) && target.emit !== sharedEmit;
  }

  /** Returns the record if the handler wants to look again after the program's listeners. */
  function before(target: Target, event: Watched, first: unknown, second: unknown, fourth: unknown): T | undefined {
    if (!isObject(target)) return undefined;
    if (stopped) detach(target);
    const record = Carrier.getKnown(target);
    if (record === undefined || event === WATCHED.none) return undefined;
    return handler.before(record, target, event, first, second, fourth) ? record : undefined;
  }

  /**
   * The first `emit` above an emitter that is another than the one it has from us: Object.create(socket) inherits it. A
   * program may call ours on anything at all, as it may Node's.
   */
  function inheritedEmit(target: Target, ours: Emit): Emit {
    let prototype = isObject(target) ? (Object.getPrototypeOf(target) as Target | null) : null;
    while (prototype !== null && prototype.emit === ours) prototype = Object.getPrototypeOf(prototype) as Target | null;
    const inherited = prototype?.emit;
    return typeof inherited === 'function' ? inherited : PLAIN_EMIT;
  }

  function define(target: object, emit: Emit): boolean {
    const property = { value: emit, writable: true, configurable: true, enumerable: false };
    return Reflect.defineProperty(target, 'emit', property);
  }

  function isOurs(target: Target): boolean {
    return Object.hasOwn(target, 'emit') && (target.emit === sharedEmit || target.emit === patched.get(target)?.ours);
  }

  function attach(object: object, record: T): boolean {
    const target = object as Target;
    if (isProxied(target) || !Object.isExtensible(target)) return false;
    // Without an own emit: it is new, or the program has put back what it had patched over, and ours went with it.
    if (!Object.hasOwn(target, 'emit')) {
      // The field first: it makes room for several properties at once, and faster than defining one does (30 of 150 ns).
      Carrier.set(target, record);
      define(target, sharedEmit);
      return true;
    }
    if (!isOurs(target) && Carrier.get(target) === undefined && !covered.has(target)) {
      const before = Object.getOwnPropertyDescriptor(target, 'emit') as PropertyDescriptor;
      const ours = createEmit(target.emit);
      if (!define(target, ours)) return false;
      patched.set(target, { before, ours });
    }
    Carrier.set(target, record);
    return true;
  }

  function detach(object: object): void {
    const target = object as Target;
    if (Carrier.get(target) === undefined && !covered.has(target)) return;
    Carrier.set(target, undefined);
    if (!isOurs(target)) {
      // Somebody patched over us and may call our emit for ever: it stays below theirs, and passes through.
      covered.add(target);
      return;
    }
    covered.delete(target);
    const before = patched.get(target)?.before;
    if (before === undefined) Reflect.deleteProperty(target, 'emit');
    else Reflect.defineProperty(target, 'emit', before);
    patched.delete(target);
    const below = target.emit as Emit & { readonly [UNCOVERED]?: (target: object) => void };
    if (before !== undefined) below[UNCOVERED]?.(target);
  }

  function detachUnused(target: object): void {
    if (Carrier.get(target) === undefined) detach(target);
  }

  return {
    attach,
    detach,
    get: Carrier.get,
    stop: () => {
      stopped = true;
    },
  };
}
