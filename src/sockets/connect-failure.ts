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

/** How far an operation had come. */
export type ConnectPhase = 'lookup' | 'tcp' | 'tls';

/** What is known of a failed operation beside its error. */
export interface FailureFacts {
  readonly phase: ConnectPhase;
  /** 'lookup' came with an error, or nothing that it gave was an address. */
  readonly lookupFailed: boolean;
  /** Whether this host has an address of the family that was tried last; without one, no local port could help. */
  readonly hasFamily: boolean;
}

/** What is read of an error, whoever made it. */
interface ErrorShape {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly errno?: unknown;
  readonly port?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

/**
 * Why a connect operation failed, from the error its socket was destroyed with; undefined where there was none. What the
 * kernel says counts before what Node, undici or the program makes of it.
 *
 * @example connectFailureOf({ code: 'ECONNREFUSED', syscall: 'connect' }, facts) // 'refused'
 */
export function connectFailureOf(error: unknown, facts: FailureFacts): ConnectFailure {
  if (typeof error !== 'object' || error === null) return facts.lookupFailed ? 'resolution' : 'aborted';
  const { errors } = error as ErrorShape;
  // Happy Eyeballs: one error for each address. A family without a route says nothing about the host that was meant.
  if (Array.isArray(errors) && errors.length > 0) {
    const all = errors.map((each) => failureOf(each as ErrorShape, facts));
    return all.find((failure) => failure !== 'unreachable') ?? 'unreachable';
  }
  return failureOf(error as ErrorShape, facts);
}

function failureOf(error: ErrorShape, facts: FailureFacts): ConnectFailure {
  const { code } = error;
  if (code === 'EMFILE' || code === 'ENFILE') return 'fd_exhausted';
  if (facts.lookupFailed) return 'resolution';
  if (isTimeout(error)) return 'timeout';
  if (error.name === 'AbortError' || code === 'ABORT_ERR') return 'aborted';
  if (typeof code !== 'string') return 'aborted';
  // Node calls a FIN in the handshake ECONNRESET too, but gives it no errno.
  const fromKernel = typeof error.errno === 'number';
  if (facts.phase === 'tls' && !fromKernel) return isLibraryGivingUp(code) ? 'aborted' : 'tls';
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
      return 'reset';
    case 'EHOSTUNREACH':
    case 'EHOSTDOWN':
    case 'ENETUNREACH':
    case 'ENETDOWN':
    case 'ENETRESET':
    case 'ENONET':
      return 'unreachable';
    case 'EADDRNOTAVAIL':
    case 'EADDRINUSE':
      return portFailureOf(error, facts);
    default:
      if (error.syscall === 'getaddrinfo' || RESOLUTION.has(code)) return 'resolution';
      if (isLibraryGivingUp(code)) return 'aborted';
      return facts.phase === 'tls' && !KERNEL_CALLS.has(error.syscall) ? 'tls' : 'other';
  }
}

const KERNEL_CALLS: ReadonlySet<unknown> = new Set(['read', 'write', 'connect', 'bind']);

/** Errors of a lookup function that is not Node's, and of Node where that gave no address. */
const RESOLUTION: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'ENODATA',
  'ESERVFAIL',
  'ERR_INVALID_IP_ADDRESS',
  'ERR_INVALID_ADDRESS_FAMILY',
]);

/**
 * Without a free port connect(2) says EADDRNOTAVAIL, and EADDRINUSE where the socket was bound to an address first
 * (bind(2) reports nothing until then). The same errnos mean other things where the program chose the port or the
 * address, and where the host has no address of that family at all.
 */
function portFailureOf(error: ErrorShape, facts: FailureFacts): ConnectFailure {
  if (error.syscall === 'bind') {
    return error.code === 'EADDRINUSE' && !(typeof error.port === 'number' && error.port > 0)
      ? 'port_exhausted'
      : 'other';
  }
  if (!facts.hasFamily) return 'unreachable';
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

/** undici, or the program through it, closes a client while it connects. */
function isLibraryGivingUp(code: string): boolean {
  return (
    code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED' || code === 'UND_ERR_ABORTED' || code === 'ERR_ABORTED'
  );
}
