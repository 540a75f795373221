import { NODE_MAJOR, OPEN, type Scenario } from './scenario.ts';

const BOTH_OPEN = { client: 'ESTABLISHED', server: 'ESTABLISHED' } as const;
const CLIENT_KEEPS = { client: 'TIME_WAIT', server: 'CLOSED' } as const;
const SERVER_KEEPS = { client: 'CLOSED', server: 'TIME_WAIT' } as const;
const HALF_CLOSED = { client: 'FIN_WAIT_2', server: 'CLOSE_WAIT' } as const;
const BOTH_GONE = { client: 'CLOSED', server: 'CLOSED' } as const;
/** On a FIN, the agent of Node 20 ends its idle socket and sends a close_notify, which is answered with an RST. */
const AGENT_NOTICES = NODE_MAJOR >= 22 ? SERVER_KEEPS : BOTH_GONE;

/** HTTP/1 and HTTP/2, where the protocol decides who closes. */
export const HTTP_SCENARIOS: readonly Scenario[] = [
  {
    title: 'the server closes what was told to close',
    over: 'http',
    stages: [OPEN, { do: ['client says GET and close'], sees: ['client close', 'server close'], kernel: SERVER_KEEPS }],
  },
  {
    title: 'the server closes an idle keep-alive connection',
    over: 'http',
    server: { keepAliveTimeoutMs: 50 },
    stages: [
      { do: ['connect', 'client says GET'], kernel: BOTH_OPEN },
      {
        do: [],
        sees: ['server timeout', 'server close', 'client close'],
        kernel: SERVER_KEEPS,
        node: { server: 'TIME_WAIT' },
      },
    ],
  },
  {
    title: 'a handler that never answers leaks nothing: Node answers the FIN of the client',
    over: 'http',
    server: { handler: 'never answers' },
    stages: [
      { do: ['connect', 'client says GET'], kernel: BOTH_OPEN },
      { do: ['client ends'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'a client that resets while its answer is owed',
    over: 'http',
    server: { handler: 'never answers' },
    stages: [
      { do: ['connect', 'client says GET'], kernel: BOTH_OPEN },
      {
        do: ['client resets'],
        sees: ['client close', 'server close'],
        kernel: BOTH_GONE,
        observed: ['client', 'server'],
      },
    ],
  },
  {
    title: 'an upgrade that is ignored leaks CLOSE_WAIT',
    over: 'http',
    server: { handler: 'ignores the upgrade' },
    stages: [
      { do: ['connect', 'client says an upgrade'], kernel: BOTH_OPEN },
      { do: ['client ends'], sees: ['client finish'], kernel: HALF_CLOSED, node: { server: 'CLOSE_WAIT' } },
    ],
  },
  {
    title: 'an upload that nobody reads hides the death of the client in CLOSE_WAIT',
    over: 'http',
    server: { handler: 'never answers' },
    stages: [
      { do: ['connect', 'client says half an upload'], kernel: BOTH_OPEN },
      { do: ['client destroys'], sees: ['client close'], kernel: HALF_CLOSED },
    ],
  },
  {
    title: 'an answer that a half-closed client does not read holds CLOSE_WAIT',
    over: 'http',
    server: { handler: 'answers 8 MB' },
    client: { reads: false },
    stages: [
      { do: ['connect', 'client says GET'], kernel: BOTH_OPEN },
      { do: ['client ends'], sees: ['client finish'], kernel: HALF_CLOSED },
      { do: ['client destroys'], sees: ['client close', 'server close'], kernel: BOTH_GONE },
    ],
  },
  {
    title: 'closeAllConnections() closes from the side of the server',
    over: 'http',
    stages: [
      { do: ['connect', 'client says GET'], kernel: BOTH_OPEN },
      { do: ['the HTTP server closes all connections'], sees: ['server close', 'client close'], kernel: SERVER_KEEPS },
    ],
  },
  {
    title: 'an agent reuses its socket, and closes it',
    over: 'http',
    stages: [
      { do: ['the agent requests', 'the agent requests'], kernel: BOTH_OPEN },
      { do: ['the agent is destroyed'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'an answer that the agent’s program does not read, when the server gives up',
    over: 'http',
    server: { handler: 'answers 8 MB' },
    stages: [
      { do: ['the agent requests and leaves the answer unread'], kernel: BOTH_OPEN },
      {
        do: ['the HTTP server closes all connections'],
        sees: ['server close'],
        kernel: { client: 'ESTABLISHED', server: 'FIN_WAIT_1' },
      },
    ],
  },
  {
    title: 'https: an agent reuses its socket, and closes it',
    over: 'https',
    stages: [
      { do: ['the agent requests', 'the agent requests'], kernel: BOTH_OPEN },
      { do: ['the agent is destroyed'], sees: ['client close', 'server close'], kernel: BOTH_GONE },
    ],
  },
  {
    title: 'https: the server closes all connections',
    over: 'https',
    stages: [
      { do: ['the agent requests'], kernel: BOTH_OPEN },
      { do: ['the HTTP server closes all connections'], sees: ['client close', 'server close'], kernel: AGENT_NOTICES },
    ],
  },
  {
    title: 'HTTP/2 in clear text: the session is closed by the client',
    over: 'h2c',
    stages: [
      { do: ['the session requests', 'the session requests'], kernel: BOTH_OPEN },
      { do: ['the session is closed'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'HTTP/2 over TLS: the session is closed by the client',
    over: 'h2',
    stages: [
      { do: ['the session requests', 'the session requests'], kernel: BOTH_OPEN },
      { do: ['the session is closed'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS },
    ],
  },
  {
    title: 'HTTP/2 over TLS: the session is destroyed by the client',
    over: 'h2',
    stages: [
      { do: ['the session requests'], kernel: BOTH_OPEN },
      { do: ['the session is destroyed'], sees: ['client close', 'server close'], kernel: CLIENT_KEEPS },
    ],
  },
];
