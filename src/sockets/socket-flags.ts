/** What a socket's own flags say now of both directions. */
export interface SocketFlags {
  /** Whether the handle reads; undefined where it is gone, or does not say. */
  readonly isReading: boolean | undefined;
  /** Whether read(2) has returned 0 to Node. */
  readonly eofRead: boolean;
  /** Whether 'end' was emitted. */
  readonly endEmitted: boolean;
  /** Bytes in the socket's own buffer; those in the buffer of an HTTP body are not among them. */
  readonly unreadInNode: number;
  /** Whether end() was called. */
  readonly writableEnded: boolean;
  /** Whether all was given to the kernel, the FIN included. */
  readonly writableFinished: boolean;
  readonly unsentInNode: number;
}
