// Compares the CPU time of three subjects block by block: two bare ones, whose ratio is the control, and an observed
// one; and of a fourth, which has a peer instead, if one is named. All are fresh and equally warm, and every block goes
// there and back through them (A B C C B A), so that a drift of the machine is in each of them alike.
import { BURST, isClient, type Kind, type Peer } from './kinds.ts';
import { startWorker, type Worker } from './worker.ts';

/** What one run of this program prints. */
export interface ChurnResult {
  /** Microseconds of CPU for each connection or request, one entry a block. */
  readonly bareUs: number[];
  readonly observedUs: number[];
  /** Empty if no peer was named. */
  readonly peerUs: number[];
  /** Observed against the mean of the two bare ones. */
  readonly ratio: number[];
  /** One bare one against the other. */
  readonly control: number[];
}

interface Subject {
  readonly worker: Worker;
  readonly port: number;
}

const [kind, rounds, blocks, warmUps, pinned, peer, packages] = process.argv.slice(2) as [
  Kind,
  string,
  string,
  string,
  string,
  Peer | undefined,
  string | undefined,
];
const count = BURST[kind];
const VARIANTS = ['bare', 'bare', 'observed', ...(peer === undefined ? [] : [peer])];
const result: ChurnResult = { bareUs: [], observedUs: [], peerUs: [], ratio: [], control: [] };

for (let round = 0; round < Number(rounds); round++) await runRound(round);
process.stdout.write(JSON.stringify(result));

/** Fresh processes for each round: compiled code differs a little from process to process. */
async function runRound(round: number): Promise<void> {
  const pin = pinned === 'pinned';
  const load = startWorker('load', [kind], pin ? 1 : undefined);
  const workers: Worker[] = [];
  try {
    const { port: loadPort } = (await load.ready) as { port: number };
    const subjects: Subject[] = [];
    for (const variant of VARIANTS) {
      const worker = startWorker('subject', [kind, variant, packages ?? ''], pin ? 0 : undefined);
      workers.push(worker);
      subjects.push({ worker, port: ((await worker.ready) as { port: number }).port });
    }
    for (let warmUp = 0; warmUp < Number(warmUps); warmUp++) {
      for (const subject of subjects) await burst(subject, load, loadPort);
    }
    for (let block = 0; block < Number(blocks); block++) await runBlock(subjects, load, loadPort, round + block);
    if (peer !== undefined) await expectSeen(subjects.at(-1)?.worker as Worker);
  } finally {
    await Promise.all([load, ...workers].map((worker) => worker.end()));
  }
}

async function runBlock(subjects: readonly Subject[], load: Worker, loadPort: number, turn: number): Promise<void> {
  const order = orderOf(turn, subjects.length);
  const spent = subjects.map(() => 0);
  for (const which of [...order, ...order.toReversed()]) {
    spent[which] = (spent[which] as number) + (await burst(subjects[which] as Subject, load, loadPort));
  }
  const [first, second, observed, other] = spent as [number, number, number, number | undefined];
  const bare = (first + second) / 2;
  result.bareUs.push(bare / count / 2);
  result.observedUs.push(observed / count / 2);
  if (other !== undefined) result.peerUs.push(other / count / 2);
  result.ratio.push(observed / bare);
  result.control.push(second / first);
}

/** Which subject goes first changes from block to block, and so does the direction. */
function orderOf(turn: number, subjects: number): readonly number[] {
  const order = Array.from({ length: subjects }, (_, place) => (place + turn) % subjects);
  return Math.floor(turn / subjects) % 2 === 0 ? order : order.reverse();
}

/** A peer that saw nothing was not at work. */
async function expectSeen(worker: Worker): Promise<void> {
  const { seen } = await worker.ask<{ seen: number }>({ type: 'seen' });
  if (seen < count) throw new Error(`${peer} saw ${seen} of more than ${count}`);
}

/** Microseconds of CPU that one burst cost the subject. */
async function burst({ worker, port }: Subject, load: Worker, loadPort: number): Promise<number> {
  const before = await worker.ask<{ cpuUs: number }>({ type: 'cpu' });
  if (isClient(kind)) await worker.ask({ type: 'burst', count, port: loadPort });
  else await load.ask({ count, port });
  const after = await worker.ask<{ cpuUs: number }>({ type: 'cpu' });
  return after.cpuUs - before.cpuUs;
}
