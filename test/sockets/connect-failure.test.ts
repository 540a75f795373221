import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CONNECT_FAILURES,
  type ConnectFailure,
  connectFailureOf,
  type FailureFacts,
} from '../../src/sockets/connect-failure.ts';

const facts: FailureFacts = { inTls: false, lookupFailed: false, timedOut: false, hasFamily: () => true };
const inTls: FailureFacts = { ...facts, inTls: true };
const lookupFailed: FailureFacts = { ...facts, lookupFailed: true };
const timedOut: FailureFacts = { ...facts, timedOut: true };
const withoutIpv6: FailureFacts = { ...facts, hasFamily: (isIpv6) => !isIpv6 };

const kernel = (code: string, syscall = 'connect', more: object = {}): object => ({
  name: 'Error',
  message: `${syscall} ${code}`,
  code,
  syscall,
  errno: -1,
  ...more,
});
const several = (...errors: readonly object[]): object => ({ name: 'AggregateError', code: 'ECONNREFUSED', errors });

// Errors as Node 20, 22, 24 and 26, undici 6 and 7, Axios, ioredis and pg make them.
const cases: readonly (readonly [string, unknown, FailureFacts, ConnectFailure])[] = [
  ['destroy()', undefined, facts, 'aborted'],
  ['destroy(null)', null, facts, 'aborted'],
  ['an error of the program', new Error('enough'), facts, 'aborted'],
  ['an error of the program with a code', { code: 'EAPP' }, facts, 'aborted'],
  ['no error at all', 'enough', facts, 'aborted'],
  ['an AbortSignal', { name: 'AbortError', code: 'ABORT_ERR' }, facts, 'aborted'],
  [
    'AbortSignal.timeout()',
    { name: 'AbortError', code: 'ABORT_ERR', cause: { name: 'TimeoutError' } },
    facts,
    'timeout',
  ],
  ['a TimeoutError', { name: 'TimeoutError', code: 23 }, facts, 'timeout'],
  ['destroy() after the timer of the socket', undefined, timedOut, 'timeout'],
  ['Axios after the timer of the socket', { code: 'ECONNABORTED' }, timedOut, 'timeout'],
  ['Axios given up', { code: 'ERR_CANCELED' }, facts, 'aborted'],
  ['a refusal after the timer of the socket', kernel('ECONNREFUSED'), timedOut, 'refused'],
  ['refused', kernel('ECONNREFUSED'), facts, 'refused'],
  ['refused, told by a proxy agent', { code: 'ECONNREFUSED' }, facts, 'refused'],
  ['reset', kernel('ECONNRESET', 'read'), facts, 'reset'],
  ['timed out by the kernel', kernel('ETIMEDOUT'), facts, 'timeout'],
  ['timed out by Node', { code: 'ERR_SOCKET_CONNECTION_TIMEOUT' }, facts, 'timeout'],
  ['timed out by undici', { code: 'UND_ERR_CONNECT_TIMEOUT' }, facts, 'timeout'],
  ['timed out by undici in TLS', { code: 'UND_ERR_CONNECT_TIMEOUT' }, inTls, 'timeout'],
  ['timed out by ioredis', { code: 'ETIMEDOUT', errorno: 'ETIMEDOUT', syscall: 'connect' }, facts, 'timeout'],
  ['given up by undici', { code: 'UND_ERR_DESTROYED' }, inTls, 'aborted'],
  ['no route to the host', kernel('EHOSTUNREACH'), facts, 'unreachable'],
  ['no route to the network', kernel('ENETUNREACH'), facts, 'unreachable'],
  ['a route of the type prohibit', kernel('EACCES'), facts, 'unreachable'],
  ['a route of the type blackhole', kernel('EINVAL'), facts, 'unreachable'],
  ['an address of the wrong family to bind to', kernel('EINVAL', 'bind'), facts, 'other'],
  ['a port that may not be bound', kernel('EACCES', 'bind'), facts, 'other'],
  ['no such name', kernel('ENOTFOUND', 'getaddrinfo', { errno: -3008 }), lookupFailed, 'resolution'],
  [
    'no such name, and nobody saw the lookup',
    kernel('EAI_AGAIN', 'getaddrinfo', { errno: -3001 }),
    facts,
    'resolution',
  ],
  ['a lookup that times out', { code: 'ETIMEOUT', syscall: 'queryA' }, lookupFailed, 'resolution'],
  ['a DNS server that refuses', { code: 'ECONNREFUSED', syscall: 'queryA' }, lookupFailed, 'resolution'],
  ['a lookup function with an error of its own', new Error('no'), lookupFailed, 'resolution'],
  ['a lookup function that gives nonsense', { code: 'ERR_INVALID_IP_ADDRESS' }, facts, 'resolution'],
  ['a lookup without a descriptor', kernel('EMFILE', 'getaddrinfo'), lookupFailed, 'fd_exhausted'],
  ['no descriptor', kernel('EMFILE'), facts, 'fd_exhausted'],
  ['no descriptor in the whole system', kernel('ENFILE'), facts, 'fd_exhausted'],
  ['no port', kernel('EADDRNOTAVAIL', 'connect', { address: '10.0.0.1' }), facts, 'port_exhausted'],
  [
    'no port to a family that is not there',
    kernel('EADDRNOTAVAIL', 'connect', { address: '::1' }),
    withoutIpv6,
    'unreachable',
  ],
  [
    'no port to the other family',
    kernel('EADDRNOTAVAIL', 'connect', { address: '10.0.0.1' }),
    withoutIpv6,
    'port_exhausted',
  ],
  [
    'no port of a local address',
    kernel('EADDRINUSE', 'connect', { message: 'connect EADDRINUSE 127.0.0.1:9001 - Local (127.0.0.1:0)' }),
    facts,
    'port_exhausted',
  ],
  [
    'a local port that is busy to this destination',
    kernel('EADDRNOTAVAIL', 'connect', { message: 'connect EADDRNOTAVAIL 127.0.0.1:9001 - Local (127.0.0.1:5000)' }),
    facts,
    'other',
  ],
  ['a local port that is taken', kernel('EADDRINUSE', 'bind', { port: 5000 }), facts, 'other'],
  ['bind(2) without a free port', kernel('EADDRINUSE', 'bind', { port: undefined }), facts, 'port_exhausted'],
  ['a local address that is not local', kernel('EADDRNOTAVAIL', 'bind'), facts, 'other'],
  ['a block list', { code: 'ERR_IP_BLOCKED' }, facts, 'other'],
  ['something else of the kernel', kernel('ENOPROTOOPT'), facts, 'other'],
  ['a name that the certificate does not have', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, inTls, 'tls'],
  ['a certificate that nobody knows', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, inTls, 'tls'],
  ['garbage', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, inTls, 'tls'],
  ['garbage, found when writing', kernel('EPROTO', 'write'), inTls, 'tls'],
  ['a FIN in the handshake', { code: 'ECONNRESET' }, inTls, 'tls'],
  ['an RST in the handshake', kernel('ECONNRESET', 'read'), inTls, 'reset'],
  ['destroy() in the handshake', undefined, inTls, 'aborted'],
  ['what libuv cancels after that', kernel('ECANCELED', 'write'), inTls, 'aborted'],
  [
    'what libuv cancels after the timer of the socket',
    kernel('ECANCELED', 'write'),
    { ...inTls, timedOut: true },
    'timeout',
  ],
  ['two families refused', several(kernel('ECONNREFUSED'), kernel('ECONNREFUSED')), facts, 'refused'],
  ['one without a route, one refused', several(kernel('ENETUNREACH'), kernel('ECONNREFUSED')), facts, 'refused'],
  ['one refused, one without a route', several(kernel('ECONNREFUSED'), kernel('ENETUNREACH')), facts, 'refused'],
  ['one that Node gave up, one refused', several(kernel('ETIMEDOUT'), kernel('ECONNREFUSED')), facts, 'refused'],
  ['one refused, one timed out', several(kernel('ECONNREFUSED'), kernel('ETIMEDOUT')), facts, 'timeout'],
  ['none with a route', several(kernel('ENETUNREACH'), kernel('EHOSTUNREACH')), facts, 'unreachable'],
  [
    'one of a family that is not there, one refused',
    several(kernel('EADDRNOTAVAIL', 'connect', { address: '::1' }), kernel('ECONNREFUSED')),
    withoutIpv6,
    'refused',
  ],
  ['several of nothing', { errors: [] }, facts, 'aborted'],
  ['several that are no errors', { errors: [null, 1] }, facts, 'aborted'],
];

describe('the reason of a failed connect operation', () => {
  for (const [title, error, known, expected] of cases) {
    test(`${title}: ${expected}`, () => {
      expect(connectFailureOf(error, known)).toBe(expected);
    });
  }

  test('is in the table for each of them', () => {
    expect(new Set(cases.map(([, , , failure]) => failure))).toEqual(new Set(CONNECT_FAILURES));
  });

  test('is one of them whatever a program throws, and nothing is thrown back', () => {
    const known = fc.record({ inTls: fc.boolean(), lookupFailed: fc.boolean(), timedOut: fc.boolean() });
    const shape = fc.record(
      {
        name: fc.anything(),
        code: fc.oneof(fc.anything(), fc.constantFrom('EADDRNOTAVAIL', 'EADDRINUSE', 'ECONNRESET', 'EINVAL')),
        errno: fc.anything(),
        syscall: fc.oneof(fc.anything(), fc.constantFrom('bind', 'connect')),
        address: fc.anything(),
        port: fc.anything(),
        message: fc.anything(),
        cause: fc.anything(),
        errors: fc.anything(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), shape), known, fc.boolean(), (error, { ...some }, hasFamily) => {
        expect(CONNECT_FAILURES).toContain(connectFailureOf(error, { ...some, hasFamily: () => hasFamily }));
      }),
    );
  });
});
