import { duration, size } from '../wording.ts';
import type { LeakedSocket } from './leak.ts';
import { printable, shortened } from './printable.ts';

/**
 * Some sockets as lines of equal columns, the header first. A column that says nothing is left out, and what exceeds
 * the width is cut: numbers come first, so that it is the flags.
 */
export function sampleTable(samples: readonly LeakedSocket[], width: number): string[] {
  const columns = COLUMNS.filter(({ isEmpty }) => !samples.every(isEmpty));
  const padded = columns.map(({ title, cellOf }) => {
    const cells = samples.map(cellOf);
    const longest = Math.max(title.length, ...cells.map(({ length }) => length));
    return [title, ...cells].map((cell) => cell.padEnd(longest));
  });
  return [-1, ...samples.keys()].map((row) =>
    shortened(
      padded
        .map((cells) => cells[row + 1])
        .join('  ')
        .trimEnd(),
      width,
    ),
  );
}

interface Column {
  readonly title: string;
  cellOf(socket: LeakedSocket): string;
  /** Whether the cell says nothing that the others do not. */
  isEmpty(socket: LeakedSocket): boolean;
}

/** An IPv6 address in full with its scope, and a port. */
const MAX_ADDRESS = 64;
const MAX_FLAGS = 12;
const MAX_TEXT = 120;

const COLUMNS: readonly Column[] = [
  { title: 'age', cellOf: ({ ageMs }) => duration(ageMs), isEmpty: () => false },
  {
    title: 'idle',
    cellOf: ({ idleMs }) => duration(idleMs),
    isEmpty: ({ idleMs, ageMs }) => duration(idleMs) === duration(ageMs),
  },
  bytes('Recv-Q', (socket) => socket.receiveQueue),
  bytes('Send-Q', (socket) => socket.sendQueue),
  bytes('unread', (socket) => socket.unreadInNode),
  bytes('unsent', (socket) => socket.unsentInNode),
  { ...bytes('in', (socket) => socket.bytesReceived), isEmpty: () => false },
  { ...bytes('out', (socket) => socket.bytesSent), isEmpty: () => false },
  text('local', MAX_ADDRESS, ({ local }) => local),
  text('peer', MAX_ADDRESS, ({ peer }) => peer),
  text('flags', MAX_TEXT, ({ flags }) => flags.slice(0, MAX_FLAGS).join(', ')),
  text('opened at', MAX_TEXT, ({ site }) => site),
  text('inode', MAX_TEXT, ({ inode }) => inode?.toString()),
];

function bytes(title: string, of: (socket: LeakedSocket) => number): Column {
  return { title, cellOf: (socket) => size(of(socket)), isEmpty: (socket) => of(socket) === 0 };
}

function text(title: string, maxLength: number, of: (socket: LeakedSocket) => string | undefined): Column {
  return {
    title,
    cellOf: (socket) => printable(of(socket) ?? '-', maxLength),
    isEmpty: (socket) => (of(socket) ?? '') === '',
  };
}
