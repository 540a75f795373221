import { describe, expect, it } from 'vitest';
import { renderLine, renderTable } from '../../demo/table.ts';
import { STATE_LABELS } from '../../src/tcp/state.ts';
import { counts, nameSnapshot, snapshotOf } from '../support/snapshots.ts';

const CONTEXT = { seconds: 3, metricsUrl: 'http://127.0.0.1:8080/metrics', trouble: undefined };
const LOADED = snapshotOf({
  table: { ageMs: 1_234, rows: 812, states: counts({ established: 9, time_wait: 900 }) },
  node: counts({ listen: 1, established: 4 }),
  kernel: counts({ listen: 1, established: 3, close_wait: 1, time_wait: 840 }),
  names: [
    nameSnapshot({
      open: 4,
      opened: 70,
      closed: 66,
      resetsReceived: 5,
      resetsSent: 1,
      kernel: counts({ close_wait: 1, time_wait: 840 }),
    }),
  ],
});

describe('the table', () => {
  it('shows all 11 states once, in three columns', () => {
    const lines = renderTable(LOADED, CONTEXT);
    for (const label of STATE_LABELS) {
      expect(lines.filter((line) => line.startsWith(`${label.toUpperCase()} `))).toHaveLength(1);
    }
    expect(lines).toContain('state                     Node    kernel namespace');
    expect(lines).toContain('ESTABLISHED                  4         3         9');
    expect(lines).toContain('TIME_WAIT                    0       840       900');
  });

  it('shows each name with what it opened, closed and left behind', () => {
    expect(renderTable(LOADED, CONTEXT).at(-1)).toBe(
      'api (server)                 4        70        66       6          1       840',
    );
  });

  it('says where the metrics are and how old the sample is', () => {
    const [title, age] = renderTable(LOADED, CONTEXT);
    expect(title).toContain('http://127.0.0.1:8080/metrics');
    expect(age).toBe("kernel's table: 1.2 s old, 812 rows");
  });

  it('fits 80 columns and 24 lines with three names', () => {
    const names = ['api', 'raw', 'upstream'].map((name) =>
      nameSnapshot({
        name,
        side: 'client',
        opened: 1_234_567,
        closed: 1_234_567,
        kernel: counts({ time_wait: 28_232 }),
      }),
    );
    const lines = renderTable(snapshotOf({ names }), { ...CONTEXT, seconds: 86_400 });
    expect(lines.length).toBeLessThanOrEqual(23);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it("has dashes for the kernel's column where there is none, and says why", () => {
    const lines = renderTable(
      snapshotOf({ table: undefined, kernel: undefined, names: [nameSnapshot({ kernel: undefined })] }),
      { ...CONTEXT, trouble: 'no ss anywhere' },
    );
    expect(lines).toContain("kernel's table: missing: no ss anywhere");
    expect(lines).toContain('TIME_WAIT                    0         -         -');
    expect(lines.at(-1)).toMatch(/ 0 {9}-$/);
  });
});

describe('the line', () => {
  it('names the states that are not empty, in both columns', () => {
    expect(renderLine(LOADED, 3)).toBe(
      '  3 s   Node: LISTEN 1, ESTABLISHED 4   kernel: LISTEN 1, ESTABLISHED 3, CLOSE_WAIT 1, TIME_WAIT 840',
    );
  });

  it("says that the kernel's column is unknown where there is none", () => {
    expect(renderLine(snapshotOf({ kernel: undefined }), 0)).toBe('  0 s   Node: nothing   kernel: unknown');
  });
});
