import type { Scenario } from './scenario.ts';

const LATE = { observed: false } as const;
const ADOPT = ['observe the listener', 'client is observed'] as const;

/** Sockets that finwait is shown when they are open already. */
export const ADOPT_SCENARIOS: readonly Scenario[] = [
  {
    title: 'both ends of an open connection',
    server: LATE,
    client: LATE,
    stages: [
      { do: ['connect'] },
      {
        do: ADOPT,
        kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' },
        node: { client: 'ESTABLISHED', server: 'ESTABLISHED' },
      },
      {
        do: ['client ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'FIN_WAIT_2 and CLOSE_WAIT',
    server: { ...LATE, allowHalfOpen: true },
    client: LATE,
    stages: [
      { do: ['connect', 'client ends'], sees: ['server end'] },
      {
        do: ADOPT,
        kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
        node: { server: 'CLOSE_WAIT' },
      },
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'CLOSE_WAIT behind unread bytes',
    server: { ...LATE, reads: false },
    client: LATE,
    stages: [
      { do: ['connect', 'client ends with 5'], sees: ['client finish'] },
      {
        do: ADOPT,
        kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' },
        node: { server: 'CLOSE_WAIT' },
      },
    ],
  },
  {
    title: 'CLOSE_WAIT that was reset since',
    server: { ...LATE, allowHalfOpen: true },
    client: LATE,
    stages: [
      { do: ['connect', 'client ends'], sees: ['server end'] },
      { do: ['client resets'], sees: ['client close'] },
      {
        do: ['observe the listener'],
        kernel: { client: 'CLOSED', server: 'CLOSED' },
        node: { server: 'CLOSED' },
        observed: ['server'],
      },
    ],
  },
  {
    title: 'a blind socket whose peer has ended',
    server: { ...LATE, pauseOnConnect: true, reads: false },
    client: LATE,
    stages: [
      { do: ['connect', 'client ends'], sees: ['client finish'] },
      { do: ADOPT, kernel: { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' } },
    ],
  },
  {
    title: 'both FINs exchanged, and the descriptor still open because nobody reads',
    server: { ...LATE, allowHalfOpen: true },
    client: { ...LATE, reads: false },
    stages: [
      { do: ['connect', 'client ends'], sees: ['server end'] },
      { do: ['server ends with 5'], sees: ['server close'] },
      // The socket behind the descriptor is dead: its addresses cannot be had, and nothing tells whose the row is.
      {
        do: ADOPT,
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        foreign: { client: 'TIME_WAIT' },
        node: { client: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a client that is still connecting',
    server: { port: 'swallows' },
    client: LATE,
    stages: [
      { do: ['dial'], kernel: { client: 'SYN_SENT', server: 'CLOSED' }, foreign: { client: 'SYN_SENT' } },
      // Until it is connected, nothing tells whom it connects to: the row is not claimed.
      {
        do: ['client is observed'],
        kernel: { client: 'SYN_SENT', server: 'CLOSED' },
        foreign: { client: 'SYN_SENT' },
        node: { client: 'SYN_SENT' },
      },
      { do: ['client destroys'], sees: ['client close'], kernel: { client: 'CLOSED', server: 'CLOSED' } },
    ],
  },
  {
    title: 'a client that connects after it was observed, and is observed again',
    client: LATE,
    stages: [
      { do: ['dial', 'client is observed'], sees: ['client connect', 'server connection'] },
      { do: ['client is observed'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' } },
      {
        do: ['client ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
    ],
  },
  {
    title: 'a socket that is no longer observed is nobody’s',
    stages: [
      { do: ['connect'], kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' } },
      {
        do: ['client is no longer observed'],
        kernel: { client: 'ESTABLISHED', server: 'ESTABLISHED' },
        foreign: { client: 'ESTABLISHED' },
      },
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
];
