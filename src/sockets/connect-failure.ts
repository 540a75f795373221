/** Why a connect operation failed; each failure is counted under exactly one. */
export const CONNECT_FAILURES = [
  'refused',
  'reset',
  'timeout',
  'unreachable',
  'resolution',
  'port_exhausted',
  'fd_exhausted',
  'tls',
  'aborted',
  'other',
] as const;

/** One of {@link CONNECT_FAILURES}. */
export type ConnectFailure = (typeof CONNECT_FAILURES)[number];

/** The parts of a connect operation, one after another. */
export type ConnectPhase = 'lookup' | 'tcp' | 'tls';

/** What is known of a failed operation beside its error. */
export interface FailureFacts {
  /** The connection of TCP was open, and TLS not ready. */
  readonly inTls: boolean;
  /** 'lookup' came with an error. */
  readonly lookupFailed: boolean;
  /** The socket's own timer (`timeout`, setTimeout) went off meanwhile. */
  readonly timedOut: boolean;
  /** Whether this host has an address of a family at all; without one, no local port could help. */
  readonly hasFamily: (isIpv6: boolean) => boolean;
}

/** What is read of an error, whoever made it. */
interface ErrorShape {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly errno?: unknown;
  readonly address?: unknown;
  readonly port?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/**
 * Why a connect operation failed, from the error its socket was destroyed with; null or undefined where there was none.
 * What the kernel says counts before what Node, undici or the program makes of it.
 *
 * @example connectFailureOf({ code: 'ECONNREFUSED', syscall: 'connect', errno: -111 }, facts) // 'refused'
 */
export function connectFailureOf(error: unknown, facts: FailureFacts): ConnectFailure {
  const failures = errorsOf(error).map((each) => failureOf(each, facts));
  // Happy Eyeballs has one for each address. A family without a route says nothing about the host that was meant, and of
  // the others only the last was waited for until the kernel had its say.
  return failures.findLast((failure) => failure !== 'unreachable') ?? failures[0] ?? 'aborted';
}

/** The errors that an AggregateError holds, else the one; what is no error at all is none. */
function errorsOf(error: unknown): readonly ErrorShape[] {
  if (typeof error !== 'object' || error === null) return [{}];
  const { errors } = error as ErrorShape;
  const all = Array.isArray(errors) ? errors.filter((each) => typeof each === 'object' && each !== null) : [];
  return all.length > 0 ? (all as readonly ErrorShape[]) : [error];
}

function failureOf(error: ErrorShape, facts: FailureFacts): ConnectFailure {
  const { code } = error;
  if (code === 'EMFILE' || code === 'ENFILE') return 'fd_exhausted';
  if (facts.lookupFailed) return 'resolution';
  if (isTimeout(error)) return 'timeout';
  // Only libuv gives an errno to what it reports. What it cancels was given up by somebody before.
  const isErrno = typeof error.errno === 'number' && typeof code === 'string';
  if (isErrno && code !== 'ECANCELED') return failureOfErrno(error, code, facts);
  if (facts.timedOut) return 'timeout';
  return typeof code === 'string' ? failureOfCode(error, code, facts) : 'aborted';
}

/** What libuv says. */
function failureOfErrno(error: ErrorShape, code: string, facts: FailureFacts): ConnectFailure {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
    case 'ENOTCONN':
      return 'reset';
    case 'EHOSTUNREACH':
    case 'EHOSTDOWN':
    case 'ENETUNREACH':
    case 'ENETDOWN':
    case 'ENETRESET':
    case 'ENONET':
    case 'EAFNOSUPPORT':
      return 'unreachable';
    // A route of the type `prohibit`; a local firewall; a route of the type `blackhole`, or fe80:: without an interface.
    case 'EACCES':
    case 'EPERM':
    case 'EINVAL':
      return error.syscall === 'connect' ? 'unreachable' : 'other';
    case 'EADDRNOTAVAIL':
    case 'EADDRINUSE':
      return portFailureOf(error, code, facts);
    // OpenSSL could not make sense of what it read; Node reports it as the failure of a write.
    case 'EPROTO':
      return 'tls';
    default:
      return error.syscall === 'getaddrinfo' ? 'resolution' : 'other';
  }
}

/** What Node, a library or the program says. */
function failureOfCode(error: ErrorShape, code: string, facts: FailureFacts): ConnectFailure {
  if (error.name === 'AbortError' || LIBRARY_GIVES_UP.has(code)) return 'aborted';
  if (RESOLUTION.has(code)) return 'resolution';
  // A FIN in the handshake, which Node calls so; nothing else does, because a reset has an errno.
  if (code === 'ECONNRESET') return facts.inTls ? 'tls' : 'aborted';
  if (code === 'ECONNREFUSED') return 'refused';
  // OpenSSL's names for what is wrong with a certificate are an open set, and so is what `checkServerIdentity` returns.
  if (facts.inTls) return 'tls';
  return code.startsWith('ERR_') ? 'other' : 'aborted';
}

/** Errors of a lookup function that is not Node's, and of Node where that gave no address. */
const RESOLUTION: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'ENODATA',
  'ESERVFAIL',
  'ERR_INVALID_IP_ADDRESS',
  'ERR_INVALID_ADDRESS_FAMILY',
]);

/** undici or Axios, or the program through them, closes a client while it connects. */
const LIBRARY_GIVES_UP: ReadonlySet<string> = new Set([
  'ABORT_ERR',
  'ECANCELED',
  'ECONNABORTED',
  'ERR_ABORTED',
  'ERR_CANCELED',
  'UND_ERR_ABORTED',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);

/**
 * Without a free port connect(2) says EADDRNOTAVAIL, and EADDRINUSE where the socket was bound to an address first
 * (bind(2) reports nothing until then). The same errnos mean other things where the program chose the port or the
 * address, and where the host has no address of that family at all.
 */
function portFailureOf(error: ErrorShape, code: string, facts: FailureFacts): ConnectFailure {
  if (error.syscall === 'bind') {
    return code === 'EADDRINUSE' && !(typeof error.port === 'number' && error.port > 0) ? 'port_exhausted' : 'other';
  }
  if (typeof error.address === 'string' && !facts.hasFamily(error.address.includes(':'))) return 'unreachable';
  return chosenLocalPort(error.message) > 0 ? 'other' : 'port_exhausted';
}

/** Node writes `- Local (127.0.0.1:5000)` behind the message where the program gave a local address or port. */
function chosenLocalPort(message: unknown): number {
  const match = typeof message === 'string' ? / - Local \(.*:(\d+)\)$/.exec(message) : null;
  return match === null ? 0 : Number(match[1]);
}

function isTimeout(error: ErrorShape): boolean {
  switch (error.code) {
    case 'ETIMEDOUT':
    case 'ERR_SOCKET_CONNECTION_TIMEOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
      return true;
    default:
      // AbortSignal.timeout(): the error of the abort has that of the signal for its cause.
      return error.name === 'TimeoutError' || (error.cause as ErrorShape | null | undefined)?.name === 'TimeoutError';
  }
}
