/** The `emit` of an EventEmitter. */
export type Emit = (this: unknown, event: string | symbol, ...values: unknown[]) => boolean;

/**
 * What a tap calls around every event. Neither may throw.
 *
 * `before` runs for each event of each socket: it must decide fast that an event is none of its business. `after` runs
 * once the program's listeners have, and only where `before` returned true.
 */
export interface TapHandler<T extends object> {
  before(record: T, target: object, event: string | symbol, values: IArguments): boolean;
  after(record: T, target: object, event: string | symbol): void;
}

/** A way to see the events of emitters without adding a listener to any. */
export interface Tap<T extends object> {
  /** Starts to watch an emitter; the record that was carried before is replaced. */
  attach(target: object, record: T): void;
  /** Stops to watch, and leaves the emitter as it was found, or passes through where somebody patched over us. */
  detach(target: object): void;
  /** What an emitter carries. */
  get(target: object): T | undefined;
  /** Stops to watch whatever is left: an emitter that nobody keeps a list of is left at its next event. */
  stop(): void;
}

type Target = { [key: symbol]: unknown; emit: Emit };

/** On an `emit` of ours, of whichever copy of finwait: called when it is on top again and may be in use no more. */
const UNCOVERED = Symbol.for('finwait.uncovered.1');

/**
 * Creates a tap: one `emit` function, shared by all emitters of the tap and set as their own non-enumerable property,
 * which looks at the event and passes it on to the `emit` below: the own one it found there, else the prototype's at
 * the time of the call. No listener is added, so nothing the program counts changes and `removeAllListeners()` does
 * not blind us. Two taps on one emitter, or somebody else's patch, chain.
 */
export function createTap<T extends object>(handler: TapHandler<T>): Tap<T> {
  const key = Symbol('finwait.record');
  /** The own `emit` that stood there before ours, and the function put over it; almost always empty. */
  const patched = new WeakMap<object, { readonly before: PropertyDescriptor; readonly ours: Emit }>();
  let stopped = false;

  function createEmit(below: Emit | undefined): Emit {
    function emit(this: unknown, event: string | symbol): boolean {
      const target = this as Target;
      const record = target[key] as T | undefined;
      const next = below ?? inheritedEmit(target);
      // biome-ignore lint/complexity/noArguments: a rest parameter would allocate an array for every event of every socket
      const values = arguments;
      if (stopped) detach(target);
      if (record === undefined || stopped || !handler.before(record, target, event, values)) {
        return Reflect.apply(next, target, values);
      }
      const result = Reflect.apply(next, target, values);
      handler.after(record, target, event);
      return result;
    }
    Object.defineProperty(emit, UNCOVERED, { value: detachUnused });
    return emit;
  }

  function inheritedEmit(target: Target): Emit {
    let prototype = Object.getPrototypeOf(target) as Target;
    // Object.create(socket) inherits our emit and what we put beside it.
    while (key in prototype) prototype = Object.getPrototypeOf(prototype) as Target;
    return prototype.emit;
  }

  const sharedEmit = createEmit(undefined);
  const property = { value: undefined as unknown, writable: true, configurable: true, enumerable: false };

  function define(target: object, name: symbol | 'emit', value: unknown): void {
    property.value = value;
    Object.defineProperty(target, name, property);
    property.value = undefined;
  }

  function isOurs(target: Target): boolean {
    return Object.hasOwn(target, 'emit') && (target.emit === sharedEmit || target.emit === patched.get(target)?.ours);
  }

  function attach(object: object, record: T): void {
    const target = object as Target;
    // A key without an emit: the program has put back what it had patched over, and ours went with it.
    if (!isOurs(target) && !(key in target && Object.hasOwn(target, 'emit'))) {
      const before = Object.getOwnPropertyDescriptor(target, 'emit');
      if (before === undefined) define(target, 'emit', sharedEmit);
      else {
        const ours = createEmit(target.emit);
        patched.set(target, { before, ours });
        define(target, 'emit', ours);
      }
    }
    define(target, key, record);
  }

  function detach(object: object): void {
    const target = object as Target;
    if (!(key in target)) return;
    if (!isOurs(target)) {
      // Somebody patched over us and may call our emit for ever: it stays below theirs, and passes through.
      define(target, key, undefined);
      return;
    }
    const before = patched.get(target)?.before;
    if (before === undefined) Reflect.deleteProperty(target, 'emit');
    else Object.defineProperty(target, 'emit', before);
    Reflect.deleteProperty(target, key);
    patched.delete(target);
    const below = target.emit as Emit & { readonly [UNCOVERED]?: (target: object) => void };
    if (before !== undefined) below[UNCOVERED]?.(target);
  }

  function detachUnused(target: object): void {
    if ((target as Target)[key] === undefined) detach(target);
  }

  return {
    attach,
    detach,
    get: (target) => (target as Target)[key] as T | undefined,
    stop: () => {
      stopped = true;
    },
  };
}
