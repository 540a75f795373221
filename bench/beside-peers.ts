import type { Build } from './build.ts';
import { runChurn } from './churn.ts';
import type { Machine } from './machine.ts';
import { openPeers } from './peers.ts';
import { BURST, type Kind, type Peer } from './programs/kinds.ts';
import { median, ratioSpreadOf, spreadOf } from './statistics.ts';
import { type Finding, judge } from './verdict.ts';

const PACKAGES: { readonly [peer in Peer]: readonly string[] } = {
  'otel-net': [
    '@opentelemetry/api@1.9.1',
    '@opentelemetry/sdk-trace-node@2.12.0',
    '@opentelemetry/instrumentation@0.223.0',
    '@opentelemetry/instrumentation-net@0.67.0',
  ],
  'prom-bundle': ['express-prom-bundle@8.0.0', 'prom-client@15.1.3'],
};

const GOALS: readonly {
  readonly goal: string;
  readonly what: string;
  readonly kind: Kind;
  readonly peer: Peer;
  readonly atMost: number;
}[] = [
  { goal: 'G6', what: 'added / otel net, client', kind: 'tcp-client', peer: 'otel-net', atMost: 0.25 },
  { goal: 'G7', what: 'added / prom-bundle, churn', kind: 'express', peer: 'prom-bundle', atMost: 0.2 },
  { goal: 'G7', what: 'added / prom-bundle, kept', kind: 'express-keep-alive', peer: 'prom-bundle', atMost: 0.2 },
];

/**
 * What finwait adds to the CPU time of a program, to what others add that teams put up with: the same work, in the same
 * blocks. They do something else, so this says what is usual and not who is faster.
 */
export async function* measureBesidePeers(build: Build, machine: Machine, quick: boolean): AsyncGenerator<Finding> {
  const peers = openPeers();
  try {
    for (const { goal, what, kind, peer, atMost } of GOALS) {
      const found = peers.packages(peer, PACKAGES[peer]);
      if ('missing' in found) {
        console.log(`${goal} ${what} is not measured: ${found.missing}`);
        continue;
      }
      const result = await runChurn(build, machine, quick, kind, [peer, found.path]);
      const added = (us: readonly number[]): number[] => us.map((one, at) => one - (result.bareUs[at] as number));
      const [ours, theirs] = [added(result.observedUs), added(result.peerUs)];
      const measured = ratioSpreadOf(ours, theirs);
      const control = spreadOf(result.control);
      // Where theirs cannot be told from the noise, which the control shows, neither can a share of it.
      const noise = (median(result.bareUs) * (control.high - control.low)) / 2;
      const verdict =
        spreadOf(theirs).low <= 0 || median(theirs) < noise ? 'INCONCLUSIVE' : judge(measured, atMost, control);
      const blocks = `${result.ratio.length} blocks of 2 x ${BURST[kind]}`;
      const note = `${us(ours)} to ${us(theirs)} on ${us(result.bareUs)}, ${blocks}`;
      yield { goal, what, measured, unit: 'x', atMost, verdict, control, note };
    }
  } finally {
    peers.remove();
  }
}

function us(values: readonly number[]): string {
  return `${median(values).toFixed(1)} us`;
}
