import { counted, duration, grouped, percent } from '../wording.ts';
import { grew, impactOf, seen } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { LoadRun } from './load-run.ts';
import { counterGrowth, growth, movedSpan, spanOf, wholeLoad } from './load-window.ts';
import { looksWithoutListener } from './target-gone.ts';

const LEAST = 20;
const LEAST_SHARE = 0.02;
/** As many as were accepted: each connection has been refused at one address before another took it. */
const ONE_EACH = 0.9;

/** Connects that found nobody listening. */
export function checkConnectionsRefused(run: LoadRun): Finding | undefined {
  const window = wholeLoad(run);
  const failed = counterGrowth(window, 'attemptFails') ?? 0;
  const resets = counterGrowth(window, 'resetsSent');
  // A connect that times out counts as failed as well, and nobody sends an RST.
  const refused = Math.min(failed, resets ?? failed);
  const active = counterGrowth(window, 'activeOpens') ?? 0;
  if (refused < LEAST || refused < active * LEAST_SHARE) return undefined;
  const passive = counterGrowth(window, 'passiveOpens') ?? 0;
  const outbound = growth(window.counted, ({ inside }) => inside?.connectFailures['refused']) ?? 0;
  const isTarget = outbound >= refused / 2;
  const unheard = spanOf(looksWithoutListener(run));
  const unheardMs = unheard === undefined ? undefined : unheard.toMs - unheard.fromMs;
  const isOneEach = unheard === undefined && passive >= refused * ONE_EACH && passive <= refused / ONE_EACH;
  const span = movedSpan(window.counted, ({ counters }) => counters.attemptFails);
  const share = refused / Math.max(refused, active);
  const { ports } = run.target;
  const where =
    ports.length === 0 ? 'the address that the load generator uses' : `port ${ports.map(String).join(', ')}`;
  return {
    kind: 'connections_refused',
    impact: isOneEach ? 0.15 : impactOf(share, 0.4, 0.9),
    confidence: isTarget || unheard !== undefined ? 'proven' : isOneEach ? 'possible' : 'likely',
    sentence: `${counted(refused, 'connect')} of this network namespace ${refused === 1 ? 'was' : 'were'} refused, ${percent(share)} of all${isTarget ? ', most of them those of the server to its upstreams' : unheardMs !== undefined ? `: the server did not listen for about ${duration(unheardMs)}` : isOneEach ? ': one for each connection that was made' : ''}.`,
    evidence: [
      ...grew('AttemptFails', failed, window.seconds, 'namespace'),
      ...grew('ActiveOpens', active, window.seconds, 'namespace'),
      ...grew('OutRsts', resets, window.seconds, 'namespace'),
      ...seen('the server did not listen for about', unheardMs, 'target', duration),
      ...(outbound === 0 ? [] : seen('connects of the server that were refused', outbound, 'target')),
    ],
    advice: isTarget
      ? [
          `Look at the upstreams of the server: ${grouped(outbound)} of its own connects were refused, so something that it needs did not listen.`,
        ]
      : isOneEach
        ? [
            'Give the load generator an address instead of `localhost`: it tries ::1 first, where nobody listens. Or listen on `::`, as Node does unless told.',
          ]
        : unheard !== undefined
          ? [
              'Restart without a gap: start the new process before the old one ends (`reusePort: true`, node:cluster one worker after another), or take the server out of its balancer first.',
              'Let clients try again after a moment: ECONNREFUSED is safe to repeat, for nothing was sent.',
            ]
          : [
              `Look for who connects where nobody listens: \`ss -tln\` shows the listeners, and the server is at ${where}.`,
              'A server that restarts refuses connections meanwhile: look at its log, and at the restarts of its supervisor.',
            ],
    ...(span === undefined ? {} : { seen: span }),
    explains: ['generator_limited'],
  };
}
