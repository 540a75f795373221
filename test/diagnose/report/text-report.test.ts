import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMIT_KINDS, LIMITS } from '../../../src/detect/load-test/finding.ts';
import { textReport } from '../../../src/diagnose/report/text-report.ts';
import { COMPLETE, LEAST } from '../../support/complete-diagnosis.ts';
import { acceptQueueOverflow, closeWaitLeak, healthy, portsExhausted } from '../../support/sample-diagnoses.ts';

const linesOf = (text: string): string[] => text.split('\n');

describe('the text report', () => {
  it.each([
    ['a full accept queue', acceptQueueOverflow, 'Limit: the accept queue was full. Port 3000 had 9 connections in an'],
    ['a leak', closeWaitLeak, 'Limit: sockets were left. 480 connections were left in CLOSE_WAIT 6 s after the load:'],
    ['no ports', portsExhausted, 'Limit: no local port left. All 2,000 local ports towards 10.77.0.2:3000 were taken'],
    ['nothing', healthy, 'Nothing found: no known limit was reached in 10 s of load; 53 looks at connections by'],
  ])('says in its first line what was found: %s', (_, diagnosis, begin) => {
    expect(linesOf(textReport(diagnosis()))[0]).toContain(begin);
  });

  it.each(LIMIT_KINDS)('names the limit by its title: %s', (kind) => {
    const [finding] = COMPLETE.findings;
    const report = textReport({ ...COMPLETE, findings: [{ ...finding, kind } as (typeof COMPLETE.findings)[number]] });
    expect(report.toLowerCase()).toMatch(new RegExp(`^limit: ${LIMITS[kind].title.toLowerCase()}\\. `));
  });

  it('tells a consequence below its cause, indented, and says whose each number is', () => {
    const text = textReport(acceptQueueOverflow());
    expect(text).toContain(
      [
        '1. The accept queue was full (proven; spoiled part of the test; from 2 s to 10.2 s)',
        '   Evidence',
        '     accept queue of port 3000  9 of 8 in 33 of 40 looks [target]',
        '     longest wait in it         0 ms: the loop came round each time [target]',
        '     ListenOverflows            +1,246 in 8.2 s [whole network namespace]',
        '   Fix: - Pass a larger backlog: `server.listen({ port, backlog: 4096 })`; Node asks for 511 unless',
      ].join('\n'),
    );
    expect(text).toContain('   Goes with it:\n   2. SYNs went unanswered (likely; ');
  });

  it('has the numbers of both ends before, during and at the end', () => {
    const lines = linesOf(textReport(closeWaitLeak()));
    const cells = (begin: string): string[] =>
      lines
        .find((line) => line.startsWith(begin))
        ?.slice(begin.length)
        .trim()
        .split(/ {2,}/) ?? [];
    expect(cells('  CLOSE_WAIT ')).toEqual(['0', '236', '471', '480']);
    expect(cells('  descriptors, target ')).toEqual(['24', '309', '545 of 1,024', '504']);
    expect(cells('  RSTs sent * ')).toHaveLength(4);
    expect(lines).toContain('* counted for the whole network namespace, whoever caused it');
  });

  it('leaves out states that were empty throughout, and listeners that stayed', () => {
    const text = textReport(healthy());
    expect(text).not.toMatch(/^ {2}(?:CLOSE_WAIT|LISTEN|LAST_ACK)/m);
    expect(text).toMatch(/^ {2}ESTABLISHED/m);
  });

  it('shows a listener that went', () => {
    const { run, ...rest } = healthy();
    const samples = run.samples.map((sample, index) =>
      index < 20 || sample.table === undefined
        ? sample
        : { ...sample, table: { ...sample.table, server: { ...sample.table.server, listen: 0 } } },
    );
    expect(textReport({ ...rest, run: { ...run, samples } })).toMatch(/^ {2}LISTEN .* 0$/m);
  });

  it('says what could not be looked at, and that it ended early', () => {
    const text = textReport(LEAST);
    expect(text).toContain('- The recording was ended early: what would have come later is not known.');
    expect(text).toContain('- 1 of 1 look had no table of the kernel.');
    expect(textReport(COMPLETE)).toContain('- 1 of 1 table is doubtful: duplicates.');
  });

  it('looks at nothing without claiming that all is well', () => {
    expect(textReport({ ...LEAST, findings: [] })).toMatch(/^Nothing found: .*; nothing could be looked at\.$/m);
  });

  it('is printable ASCII no wider than it may be, whatever the names contain', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 60, max: 200 }),
        fc.constantFrom(acceptQueueOverflow, portsExhausted),
        (text, width, sample) => {
          const diagnosis = sample();
          const [first, ...others] = diagnosis.findings;
          const report = textReport(
            {
              ...diagnosis,
              finwait: '0.1.0',
              findings: [
                {
                  ...(first as (typeof diagnosis.findings)[number]),
                  sentence: text,
                  advice: [text],
                  evidence: [{ what: text, value: text, scope: 'target' }],
                },
                ...others,
              ],
              run: {
                ...diagnosis.run,
                target: { ports: [1], pids: [2], title: text },
                command: { argv: [text, text] },
                notes: [text],
              },
            },
            { width },
          );
          expect(report).toMatch(/^[\x20-\x7e\n]*$/);
          // Of the table the numbers are never cut.
          for (const line of report.slice(0, report.indexOf('\nThe run')).split('\n')) {
            expect(line.length).toBeLessThanOrEqual(Math.max(width, 66));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('fits 100 columns', () => {
    for (const sample of [acceptQueueOverflow, closeWaitLeak, healthy, portsExhausted]) {
      for (const line of linesOf(textReport(sample()))) expect(line.length, line).toBeLessThanOrEqual(100);
    }
  });

  it('has colours only when asked, and the same words', () => {
    const diagnosis = acceptQueueOverflow();
    const coloured = textReport(diagnosis, { color: true });
    expect(textReport(diagnosis)).not.toContain('\x1b');
    expect(coloured).toContain('\x1b[1mLimit: ');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape is what is taken away
    expect(coloured.replaceAll(/\x1b\[\d+m/g, '')).toBe(textReport(diagnosis));
  });
});
