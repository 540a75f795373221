import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Script, startScript } from '../support/script.ts';

/** What one end shows at one step: Node's events, the conclusion from them, what finwait joined, and the row of ss. */
interface Shown {
  readonly end: string;
  readonly events: string;
  readonly node: string;
  readonly alternatives: readonly string[];
  readonly join: string;
  readonly row: string;
}

/** The kernel's state of both ends at every step, client first; `-` where it has no row. */
const KERNEL: readonly (readonly [client: string, server: string])[] = [
  ['-', 'LISTEN'],
  ['SYN_SENT', 'LISTEN'],
  ['ESTABLISHED', 'ESTABLISHED'],
  ['FIN_WAIT_1', 'ESTABLISHED'],
  ['FIN_WAIT_2', 'CLOSE_WAIT'],
  ['FIN_WAIT_2', 'LAST_ACK'],
  ['TIME_WAIT', '-'],
  // Simultaneous close.
  ['ESTABLISHED', 'ESTABLISHED'],
  ['FIN_WAIT_1', 'ESTABLISHED'],
  ['CLOSING', 'FIN_WAIT_2'],
  ['TIME_WAIT', 'TIME_WAIT'],
  // Reset.
  ['ESTABLISHED', 'ESTABLISHED'],
  ['-', '-'],
];

const problem = spawnSync('ss', ['-V']).status === 0 ? undefined : 'no ss that runs';
if (problem !== undefined && process.env['FINWAIT_REQUIRE_TOOLS'] === '1') throw new Error(problem);

describe.skipIf(problem !== undefined)(
  `examples/handshake.ts${problem === undefined ? '' : ` (needs ss: ${problem})`}`,
  () => {
    let script: Script;
    let shown: readonly Shown[];

    beforeAll(async () => {
      script = startScript('examples/handshake.ts');
      expect(await script.ended(15_000)).toBe(0);
      shown = parse(script.stdout());
    });
    afterAll(() => script.kill());

    it('shows the states of the kernel in order, at both ends', () => {
      expect(shown.map(({ end }) => end)).toEqual(KERNEL.flatMap(() => ['client', 'server']));
      expect(shown.map(({ row }) => stateOfRow(row))).toEqual(KERNEL.flat());
    });

    it('joins every end with its row, after its descriptor was closed too', () => {
      expect(shown.map(({ join }) => join)).toEqual(KERNEL.flat());
    });

    it("says nothing in Node's column that the row contradicts", () => {
      for (const { node, alternatives, row } of shown) {
        const [state = '', certainty] = node.split(', ');
        if (certainty === undefined) continue;
        expect([state, ...alternatives]).toContain(stateOfRow(row));
        if (certainty === 'observed') expect(state).toBe(stateOfRow(row));
      }
    });

    it("has Node's column ended at 'close' while the kernel goes on in LAST_ACK, CLOSING and TIME_WAIT", () => {
      const after = shown.filter(({ node }) => node === "ended at 'close'").map(({ row }) => stateOfRow(row));
      expect(new Set(after)).toEqual(new Set(['LAST_ACK', 'CLOSING', 'TIME_WAIT', '-']));
    });

    it('shows the reset as ECONNRESET at one end and as close at the other', () => {
      expect(shown.slice(-2).map(({ events }) => events)).toEqual(['close', 'error ECONNRESET close']);
    });

    it('warns of nothing', () => {
      expect(script.stderr()).toBe('');
    });
  },
);

function parse(output: string): Shown[] {
  const lines = output.split('\n');
  return lines.flatMap((line, index): Shown[] => {
    const match = /^ {3}(client|server) {2}(.{25}) (.{23}) (.{15}) (.+)$/.exec(line);
    if (match === null) return [];
    const [end = '', events = '', node = '', join = '', row = ''] = match.slice(1).map((cell) => cell.trim());
    const doubt = /^ {30,}or (.+)$/.exec(lines[index + 1] ?? '')?.[1] ?? '';
    return [{ end, events, node, alternatives: doubt.split(' '), join, row }];
  });
}

/** The first word of a row, in the RFC's spelling. */
function stateOfRow(row: string): string {
  const [name = ''] = row.split(' ');
  if (name === '-') return name;
  return name === 'ESTAB' ? 'ESTABLISHED' : name.replaceAll('-', '_');
}
