/**
 * What can happen to a socket as far as Node can tell, as small integers: the columns of the transition table.
 *
 * The first group are events that Node emits, the second what a poll of the socket's flags or of its handle shows.
 */
export const EVENT = {
  /** A server's handle is bound and listening ('listening', on an own descriptor). */
  listening: 0,
  /** The listening handle is closed (net.Server.close). */
  listenerClosed: 1,
  /** connect(2) is about to be called for one address ('connectionAttempt'). */
  attempt: 2,
  /** The kernel refused or gave up that attempt ('connectionAttemptFailed' with the kernel's errno). */
  attemptFailed: 3,
  /** The handshake is complete ('connect'). */
  connect: 4,
  /** accept(2) returned the socket (a server's 'connection'). */
  accept: 5,
  /** The socket was open when it was first observed. */
  adopt: 6,
  /** read(2) returned 0 and nothing else explains it ('end', libuv 1.52 or newer, no TLS). */
  eof: 7,
  /** 'end' on libuv before 1.52, which also turns data followed by an RST in one poll into a clean end of file. */
  eofOrReset: 8,
  /** 'end' on a TLSSocket: a close_notify alert or a FIN. */
  eofOrCloseNotify: 9,
  /** shutdown(2) returned: our FIN is queued behind the data already written ('finish'). */
  finish: 10,
  /** libuv closed the descriptor and no errno says why ('close'). */
  close: 11,
  /** The kernel reported that the connection is gone: an errno of read, write or connect ('error'). */
  reset: 12,
  /** We asked for an RST (resetAndDestroy) and the descriptor is closed. */
  abort: 13,
  /** Poll: the end of file was read, but unread bytes keep 'end' back. */
  unreadEof: 14,
  /** Poll: the handle is not reading, so neither a FIN nor an RST can be seen. */
  blind: 15,
  /** Poll: long enough after our FIN that its acknowledgement is due; nothing shows it. */
  ackDue: 16,
  /** Poll: getpeername succeeds after the end of file and before our FIN: the connection is still there. */
  alive: 17,
  /** Poll: getpeername says ENOTCONN: the kernel has no connection behind this descriptor any more. */
  gone: 18,
  /** Poll: the handle went to another process (subprocess.send); what happens now is not for us to see. */
  transfer: 19,
  /** Node gave that attempt up ('connectionAttemptTimeout', or ECANCELED); the kernel may have been faster. */
  attemptAbandoned: 20,
} as const;

/** The name of an event. */
export type EventName = keyof typeof EVENT;

/** An event by its number. */
export type TcpEvent = (typeof EVENT)[EventName];

/** All events, in the order of their numbers. */
export const EVENT_NAMES: readonly EventName[] = Object.keys(EVENT) as EventName[];
