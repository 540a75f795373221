import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTap, type Emit, type Tap, WATCHED } from '../../src/observe/tap.ts';

interface Note {
  readonly seen: string[];
}

let tap: Tap<Note>;

beforeEach(() => {
  tap = createTap<Note>({
    before(note, _target, event) {
      note.seen.push(event === WATCHED.end ? 'end' : 'other');
      return false;
    },
    after() {},
  });
});
afterEach(() => tap.stop());

/** A class of a program, whose prototype may be patched without touching anybody else's. */
function programClass(): { new (): EventEmitter; prototype: { emit: (...values: [string, ...unknown[]]) => boolean } } {
  return class Program extends EventEmitter {};
}

function tapped(emitter: EventEmitter = new EventEmitter()): { emitter: EventEmitter; note: Note } {
  const note = { seen: [] };
  expect(tap.attach(emitter, note)).toBe(true);
  return { emitter, note };
}

const LOCKS: readonly ((emitter: object) => object)[] = [Object.preventExtensions, Object.seal, Object.freeze];

test.each(LOCKS.map((lock) => ({ lock, name: lock.name })))('after Object.$name it is left alone', ({ lock }) => {
  const emitter = new EventEmitter();
  lock(emitter);
  expect(tap.attach(emitter, { seen: [] })).toBe(false);
  expect(tap.get(emitter)).toBeUndefined();
  expect(Object.hasOwn(emitter, 'emit')).toBe(false);
});

test('one that is frozen while it is watched keeps our emit, which passes through once it is left', () => {
  const { emitter, note } = tapped();
  emitter.on('end', () => {});
  Object.freeze(emitter);
  expect(emitter.emit('end')).toBe(true);
  tap.detach(emitter);
  expect(emitter.emit('end')).toBe(true);
  expect(note.seen).toEqual(['end']);
});

test('no trap of a proxy sees us', () => {
  const touched: string[] = [];
  const trap = new Proxy({}, { get: (_target, name) => () => touched.push(String(name)) });
  expect(tap.attach(new Proxy(new EventEmitter(), trap), { seen: [] })).toBe(false);
  expect(touched).toEqual([]);
});

test('called on something that never had it, ours is as good as Node’s', () => {
  const { emitter, note } = tapped();
  const emit = emitter.emit as Emit;
  class Other extends EventEmitter {
    override emit(): boolean {
      throw new Error('not asked for');
    }
  }
  const other = new Other();
  let got: unknown[] = [];
  other.on('end', (...values) => {
    got = values;
  });
  expect(emit.call(other, 'end', 1, 2)).toBe(true);
  expect(got).toEqual([1, 2]);
  expect(emit.call({ emit }, 'end')).toBe(false);
  expect(emit.call(Object.create(null), 'end')).toBe(false);
  for (const self of [undefined, null]) {
    expect(() => emit.call(self, 'end')).toThrow(/Cannot read properties of (?:undefined|null) \(reading '_events'\)/);
  }
  expect(emit.call(1, 'end')).toBe(false);
  expect(note.seen).toEqual([]);
});

test('a prototype’s emit that is made of ours is called once for an event', () => {
  const Program = programClass();
  const { emitter, note } = tapped(new Program());
  const { emit } = emitter;
  const calls: unknown[] = [];
  Program.prototype.emit = function (...values: [string, ...unknown[]]) {
    calls.push(values[1]);
    return Reflect.apply(emit, this, values);
  };
  // Its listener emits the same event, which is another call.
  emitter.on('end', (left: number) => {
    if (left > 0) emitter.emit('end', left - 1);
  });
  expect(emitter.emit('end', 3)).toBe(true);
  expect(calls).toEqual([3, 2, 1, 0]);
  expect(note.seen).toEqual(['end', 'end', 'end', 'end']);
  expect(new Program().emit('end', 'untapped')).toBe(false);
  expect(calls).toEqual([3, 2, 1, 0, 'untapped']);
});

test('a listener that emits its own event goes through a patch each time', () => {
  const Program = programClass();
  const { emitter, note } = tapped(new Program());
  const { emit } = EventEmitter.prototype;
  let calls = 0;
  Program.prototype.emit = function (...values: [string, ...unknown[]]) {
    calls++;
    return Reflect.apply(emit, this, values);
  };
  emitter.once('end', () => emitter.emit('end'));
  const settings = Object.getOwnPropertyDescriptors(Error);
  emitter.emit('end');
  expect(calls).toBe(2);
  expect(note.seen).toEqual(['end', 'end']);
  expect(Object.getOwnPropertyDescriptors(Error)).toEqual(settings);
});

test('a patch that throws leaves nothing behind', () => {
  const Program = programClass();
  const { emitter } = tapped(new Program());
  const { emit } = EventEmitter.prototype;
  let mayThrow = true;
  Program.prototype.emit = function (...values: [string, ...unknown[]]) {
    if (mayThrow) throw new Error('mine');
    return Reflect.apply(emit, this, values);
  };
  expect(() => emitter.emit('end')).toThrow('mine');
  mayThrow = false;
  let calls = 0;
  emitter.on('end', () => calls++);
  expect(emitter.emit('end')).toBe(true);
  expect(calls).toBe(1);
});
