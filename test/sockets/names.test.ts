import { describe, expect, it } from 'vitest';
import { NAME_IDLE_MS, NameTable, OTHER_NAME } from '../../src/sockets/names.ts';

const never = (): boolean => false;

describe('the table of names', () => {
  it('gives each (side, name) one slot', () => {
    const names = new NameTable(20);
    const server = names.slotOf('server', 'api', true, 0);
    const client = names.slotOf('client', 'api', true, 0);
    expect(client).not.toBe(server);
    expect(names.slotOf('server', 'api', true, 9)).toBe(server);
    expect(names.at(server)).toMatchObject({ side: 'server', name: 'api' });
    expect(names.entries().map(({ slot }) => slot)).toEqual([server, client]);
  });

  it('has no _other until it is needed', () => {
    const names = new NameTable(2);
    names.slotOf('client', 'a', false, 0);
    names.slotOf('client', 'b', false, 0);
    expect(names.entries().map(({ name }) => name)).toEqual(['a', 'b']);
    expect(names.overflowed).toBe(0);
  });

  it('beyond the limit a name is _other of its side', () => {
    const names = new NameTable(2);
    names.slotOf('server', '8080', false, 0);
    names.slotOf('client', 'a', true, 0);
    const other = names.slotOf('client', 'b', true, 0);
    expect(names.at(other)).toMatchObject({ side: 'client', name: OTHER_NAME });
    expect(names.slotOf('client', 'c', false, 0)).toBe(other);
    expect(names.at(names.slotOf('server', 'd', false, 0))).toMatchObject({ side: 'server', name: OTHER_NAME });
    expect(names.overflowed).toBe(0);
    expect(names.slotOf('client', 'a', true, 0)).not.toBe(other);
    expect(names.capacity).toBe(4);
  });

  it('counts the connections that open under _other', () => {
    const names = new NameTable(1);
    const named = names.slotOf('client', 'a', false, 0);
    for (const slot of [named, names.slotOf('client', 'b', false, 0), names.slotOf('server', 'c', false, 0)]) {
      names.countOpened(slot);
    }
    expect(names.overflowed).toBe(2);
  });

  it('takes a default name back after an idle hour, and gives its place to another', () => {
    const names = new NameTable(1);
    const slot = names.slotOf('client', 'a:80', false, 1_000);
    expect(names.evictIdle(999 + NAME_IDLE_MS, never)).toEqual([]);
    expect(names.evictIdle(1_000 + NAME_IDLE_MS, never)).toEqual([slot]);
    expect(names.at(slot)).toBeUndefined();
    expect(names.slotOf('client', 'b:80', false, 0)).toBe(slot);
    expect(names.at(slot)?.name).toBe('b:80');
  });

  it('counts the hour from the last use', () => {
    const names = new NameTable(5);
    const again = names.slotOf('client', 'a:80', false, 0);
    const touched = names.slotOf('client', 'b:80', false, 0);
    const idle = names.slotOf('client', 'c:80', false, 0);
    names.slotOf('client', 'a:80', false, 5_000);
    names.touch(touched, 5_000);
    expect(names.evictIdle(NAME_IDLE_MS, never)).toEqual([idle]);
    expect(names.entries().map(({ slot }) => slot)).toEqual([again, touched]);
  });

  it('never takes a chosen name, one that was chosen later, _other or a busy one', () => {
    const names = new NameTable(3);
    names.slotOf('client', 'chosen', true, 0);
    names.slotOf('client', 'late', false, 0);
    names.slotOf('client', 'late', true, 0);
    const busy = names.slotOf('client', 'busy', false, 0);
    names.slotOf('client', 'no place', false, 0);
    expect(names.evictIdle(10 * NAME_IDLE_MS, (slot) => slot === busy)).toEqual([]);
    expect(names.entries().map(({ name }) => name)).toEqual([OTHER_NAME, 'chosen', 'late', 'busy']);
  });

  it('touches an empty slot without effect', () => {
    const names = new NameTable(3);
    names.touch(2, 5);
    expect(names.entries()).toEqual([]);
  });
});
