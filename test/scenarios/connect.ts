import { OPEN, type Scenario } from './scenario.ts';

const NOTHING = { client: 'CLOSED', server: 'CLOSED' } as const;

/** From connect() to 'connect', or not. */
export const CONNECT_SCENARIOS: readonly Scenario[] = [
  {
    title: 'nobody listens: refused',
    server: { port: 'refuses' },
    stages: [{ do: ['dial'], sees: ['client error', 'client close'], kernel: NOTHING, node: { client: 'CLOSED' } }],
  },
  {
    title: 'nobody answers: SYN_SENT until the program gives up',
    server: { port: 'swallows' },
    stages: [
      { do: ['dial'], kernel: { client: 'SYN_SENT', server: 'CLOSED' }, node: { client: 'SYN_SENT' } },
      { do: ['client destroys'], sees: ['client close'], kernel: NOTHING, node: { client: 'CLOSED' } },
    ],
  },
  {
    title: 'resetAndDestroy() in SYN_SENT waits for an answer',
    server: { port: 'swallows' },
    stages: [
      { do: ['dial', 'client resets'], kernel: { client: 'SYN_SENT', server: 'CLOSED' }, node: { client: 'SYN_SENT' } },
      { do: ['client destroys'], sees: ['client close'], kernel: NOTHING, node: { client: 'CLOSED' } },
    ],
  },
  {
    title: 'destroyed in the tick of connect(): there is no kernel socket',
    stages: [{ do: ['dial', 'client destroys'], sees: ['client close'], kernel: NOTHING }],
  },
  {
    title: 'a name that does not resolve: there is no kernel socket',
    client: { host: 'nowhere' },
    stages: [{ do: ['dial'], sees: ['client error', 'client close'], kernel: NOTHING }],
  },
  {
    title: 'a local address that is none of ours',
    client: { localAddress: '192.0.2.1' },
    stages: [{ do: ['dial'], sees: ['client error', 'client close'], kernel: NOTHING }],
  },
  {
    title: 'end() with data while connecting is sent after the handshake',
    stages: [
      {
        do: ['dial', 'client ends with 5'],
        sees: ['client connect', 'client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        node: { client: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'Happy Eyeballs: nobody listens on ::1, and 127.0.0.1 is another kernel socket',
    client: { host: 'both families' },
    stages: [
      OPEN,
      {
        do: ['client ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
        node: { client: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'Happy Eyeballs: nobody listens on either address',
    server: { port: 'refuses' },
    client: { host: 'both families' },
    stages: [{ do: ['dial'], sees: ['client error', 'client close'], kernel: NOTHING, node: { client: 'CLOSED' } }],
  },
  {
    title: 'Happy Eyeballs: the first address is silent, and is given up before the second is tried',
    client: { host: 'a silent first address' },
    stages: [
      OPEN,
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'CLOSED', server: 'TIME_WAIT' },
        node: { server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a socket that connects again is a new kernel socket, while the old one is in TIME_WAIT',
    stages: [
      OPEN,
      {
        do: ['client ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'CLOSED' },
      },
      {
        do: ['client dials'],
        sees: ['client connect', 'server connection'],
        kernel: { client: ['ESTABLISHED', 'TIME_WAIT'], server: 'ESTABLISHED' },
        node: { client: 'ESTABLISHED', server: 'ESTABLISHED' },
      },
      {
        do: ['server ends'],
        sees: ['client close', 'server close'],
        kernel: { client: 'TIME_WAIT', server: 'TIME_WAIT' },
        node: { client: 'CLOSED', server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a socket that was refused connects again',
    server: { port: 'refuses' },
    stages: [
      { do: ['dial'], sees: ['client error', 'client close'], kernel: NOTHING },
      { do: ['client dials'], sees: ['client error', 'client close'], kernel: NOTHING, node: { client: 'CLOSED' } },
    ],
  },
  {
    title: 'a socket that connects to its own port is one kernel socket with both ends, and closes through CLOSING',
    client: { host: 'itself' },
    stages: [
      { do: ['dial'], sees: ['client connect'], kernel: { client: 'ESTABLISHED', server: 'CLOSED' } },
      { do: ['client ends'], sees: ['client close'], kernel: { client: 'TIME_WAIT', server: 'CLOSED' } },
    ],
  },
];
