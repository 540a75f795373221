import { COUNT } from '../sockets/ledger.ts';
import { FLAG, type SocketRecord } from '../sockets/record.ts';
import { EVENT } from '../tcp/event.ts';
import type { ObserveContext } from './context.ts';
import { hasResetIntent } from './handle-end.ts';
import { useAtClose } from './http-use.ts';
import type { NodeSocket } from './node-socket.ts';

/** Counts the end of a connection whose descriptor is closed, by what the record and the handle showed of it. */
export function countClosed(context: ObserveContext, record: SocketRecord, socket: NodeSocket, at: number): void {
  const { ledger } = context;
  if (hasResetIntent(socket)) {
    record.flags |= FLAG.aborted;
    if ((record.flags & FLAG.open) !== 0) ledger.bump(record.slot, COUNT.resetSent, 1);
  }
  if (record.bytesReceived === 0 && (record.flags & (FLAG.server | FLAG.adopted)) === FLAG.server) {
    record.flags |= FLAG.unused;
  }
  ledger.apply(record, (record.flags & FLAG.aborted) !== 0 ? EVENT.abort : EVENT.close, at);
  ledger.close(record, at, useAtClose(context, record, socket, at));
}
