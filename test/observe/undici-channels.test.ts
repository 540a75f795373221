import net from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObserveContext } from '../../src/observe/context.ts';
import { createTap, type Tap } from '../../src/observe/tap.ts';
import { type UndiciRequest, type UndiciRequests, undiciRequests } from '../../src/observe/undici-channels.ts';
import { Ledger } from '../../src/sockets/ledger.ts';
import { FLAG, SocketRecord } from '../../src/sockets/record.ts';

const ORIGIN = 'http://cache:80';

interface World {
  readonly requests: UndiciRequests;
  readonly ledger: Ledger;
  connection(protocol?: 'h2'): { readonly socket: net.Socket; readonly record: SocketRecord };
  at: number;
}

/** The books of requests on sockets that are on a ledger and on no network. */
function world(): World {
  const ledger = new Ledger(4);
  const sockets: Tap<SocketRecord> = createTap({ before: () => false, after: () => undefined });
  const context = { ledger, now: () => created.at } as unknown as ObserveContext;
  const created: World = {
    requests: undiciRequests(context, sockets),
    ledger,
    at: 0,
    connection(protocol) {
      const socket = new net.Socket();
      if (protocol !== undefined) Object.assign(socket, { alpnProtocol: protocol });
      const record = new SocketRecord(socket, 0, 0);
      sockets.attach(socket, record);
      ledger.assign(record, 'client', 'cache', false, 0);
      ledger.add(record);
      ledger.open(record, 0);
      created.requests.connected(record);
      return { socket, record };
    },
  };
  return created;
}

function newRequest(fields: Partial<UndiciRequest> = {}): UndiciRequest {
  return { method: 'GET', path: '/users?token=1', origin: ORIGIN, ...fields };
}

function flags({ flags: all }: SocketRecord): string[] {
  return (['active', 'responded', 'lastRequest', 'upgraded', 'undici'] as const).filter((name) => all & FLAG[name]);
}

function waiting({ requests }: World): number {
  return requests.waiting.get(ORIGIN)?.count ?? 0;
}

describe('a request', () => {
  it('waits, is under way, is answered, and leaves the connection idle', () => {
    const it = world();
    const { socket, record } = it.connection();
    const request = newRequest();
    it.requests.created(request);
    expect([waiting(it), flags(record)]).toEqual([1, ['undici']]);
    it.requests.sent(request, socket);
    expect([waiting(it), flags(record), record.requests]).toEqual([0, ['active', 'undici'], 1]);
    expect(record.request).toBe('GET /users');
    it.requests.answered(request, 200, []);
    expect(flags(record)).toEqual(['active', 'responded', 'undici']);
    it.at = 70;
    it.requests.completed(request);
    expect([flags(record), record.markAt]).toEqual([['undici'], 70]);
    expect(it.ledger.requests.count(record.slot)).toBe(1);
  });

  it('that nobody saw created is followed from when it is sent', () => {
    const it = world();
    const { socket, record } = it.connection();
    const request = newRequest();
    it.requests.sent(request, socket);
    it.requests.completed(request);
    expect([waiting(it), flags(record), record.requests]).toEqual([0, ['undici'], 1]);
  });

  it('that fails twice fails once', () => {
    const it = world();
    const request = newRequest();
    it.requests.created(newRequest());
    it.requests.created(request);
    it.requests.failed(request);
    it.requests.failed(request);
    expect(waiting(it)).toBe(1);
  });

  it('that fails on HTTP/1 takes its connection along, as one that is in use', () => {
    const it = world();
    const { socket, record } = it.connection();
    const request = newRequest();
    it.requests.sent(request, socket);
    it.requests.failed(request);
    expect(flags(record)).toEqual(['active', 'undici']);
  });

  it('that fails on HTTP/2 leaves its connection to the others', () => {
    const it = world();
    const { socket, record } = it.connection('h2');
    const [first, second] = [newRequest(), newRequest()];
    it.requests.sent(first, socket);
    it.requests.sent(second, socket);
    it.requests.failed(first);
    expect(flags(record)).toEqual(['active', 'undici']);
    it.requests.completed(second);
    expect(flags(record)).toEqual(['undici']);
  });

  it('is sent again on another connection where the first was lost', () => {
    const it = world();
    const [lost, next] = [it.connection(), it.connection()];
    const request = newRequest();
    it.requests.created(request);
    it.requests.sent(request, lost.socket);
    it.requests.sent(request, next.socket);
    it.requests.completed(request);
    expect([waiting(it), flags(next.record), next.record.requests]).toEqual([0, ['undici'], 1]);
  });

  it('on a socket that nobody observes is none of ours', () => {
    const it = world();
    const request = newRequest();
    it.requests.created(request);
    it.requests.sent(request, new net.Socket());
    it.requests.answered(request, 200, []);
    it.requests.completed(request);
    expect(waiting(it)).toBe(0);
  });

  it('that is upgraded takes the connection out of the pool', () => {
    const it = world();
    const { socket, record } = it.connection();
    const request = newRequest();
    it.requests.sent(request, socket);
    it.requests.answered(request, 101, []);
    it.requests.completed(request);
    expect(flags(record)).toEqual(['upgraded']);
  });

  it('that opened a tunnel is no use of the connection that is inside', () => {
    const it = world();
    const { socket, record } = it.connection();
    const request = newRequest({ method: 'CONNECT' });
    it.requests.sent(request, socket);
    it.requests.answered(request, 200, []);
    it.requests.completed(request);
    it.requests.connected(record);
    expect([flags(record), record.requests, record.markAt]).toEqual([['undici'], 0, -1]);
  });
});

describe('an answer', () => {
  it.each<[string, unknown, number, boolean]>([
    ['Buffers', [Buffer.from('Keep-Alive'), Buffer.from('timeout=7, max=3')], 7, false],
    ['strings', ['date', 'x', 'keep-alive', 'timeout=8'], 8, false],
    ['an object, as of HTTP/2', { 'keep-alive': 'timeout=9' }, Number.NaN, false],
    ['nothing', undefined, Number.NaN, false],
    ['an odd list', ['keep-alive'], Number.NaN, false],
    ['no header', [1, 2], Number.NaN, false],
    ['another of ten letters', ['x-ten-char', 'timeout=7'], Number.NaN, false],
    ['the end of the connection', [Buffer.from('connection'), Buffer.from('Close')], Number.NaN, true],
    ['a connection that is kept', [Buffer.from('connection'), Buffer.from('keep-alive')], Number.NaN, false],
  ])('says how long the connection is kept, in %s', (_, headers, seconds, isLast) => {
    const it = world();
    const { socket, record } = it.connection();
    const request = newRequest();
    it.requests.sent(request, socket);
    it.requests.answered(request, 200, headers);
    expect(it.ledger.requests.keepAliveSeconds[record.slot]).toBe(seconds);
    expect(flags(record).includes('lastRequest')).toBe(isLast);
  });

  it('that is only announced has not begun', () => {
    const it = world();
    const { socket, record } = it.connection();
    const request = newRequest();
    it.requests.sent(request, socket);
    it.requests.answered(request, 103, []);
    expect(flags(record)).toEqual(['active', 'undici']);
  });
});

describe('whatever undici says, in whichever order', () => {
  const steps = ['created', 'sent', 'sent elsewhere', 'answered', 'completed', 'failed'] as const;
  const script = fc.array(fc.tuple(fc.nat(4), fc.constantFrom(...steps)), { maxLength: 60 });

  it('waiting, active and responded are those of the requests', () => {
    fc.assert(
      fc.property(script, (said) => {
        const it = world();
        const connections = [it.connection('h2'), it.connection('h2')] as const;
        const requests = Array.from({ length: 5 }, () => newRequest());
        const where: ('waits' | 0 | 1 | undefined)[] = [];
        const answered: boolean[] = [];
        for (const [index, step] of said) {
          const request = requests[index] as UndiciRequest;
          const at = where[index];
          if (step === 'created') {
            // undici creates a request once.
            if (index in where) continue;
            it.requests.created(request);
            where[index] = 'waits';
          } else if (step === 'sent' || step === 'sent elsewhere') {
            const to = step === 'sent' ? 0 : 1;
            it.requests.sent(request, connections[to].socket);
            where[index] = to;
            answered[index] = false;
          } else if (step === 'answered') {
            it.requests.answered(request, 200, []);
            if (at === 0 || at === 1) answered[index] = true;
            // What is answered was sent, though nobody said where.
            if (at === 'waits') where[index] = undefined;
          } else {
            it.requests[step](request);
            where[index] = undefined;
            answered[index] = false;
          }
          expect(waiting(it)).toBe(where.filter((each) => each === 'waits').length);
          for (const to of [0, 1] as const) {
            const { record } = connections[to];
            const own = where.map((each, place) => each === to && (answered[place] ? 'answered' : 'sent'));
            expect((record.flags & FLAG.active) !== 0).toBe(own.some((each) => each !== false));
            expect((record.flags & FLAG.responded) !== 0).toBe(own.includes('answered'));
          }
        }
      }),
    );
  });
});
