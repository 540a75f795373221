import { expect, test } from 'vitest';
import { DEFAULT_LEAK_AFTER_MS, DIVERGENCES, LEAK_CAUSES } from '../../../src/detect/leaks/leak.ts';
import { formatLeaks } from '../../../src/monitor/format-leaks.ts';
import { readSource } from '../../support/script.ts';
import { leakedSocket, leakGroup, leakReport } from './facts.ts';

const page = readSource('docs/leaks.md');

const report = leakReport(
  [
    leakGroup({}, [
      leakedSocket(),
      leakedSocket({ peer: '10.0.0.9:51240', ageMs: 36 * 60_000, idleMs: 36 * 60_000, inode: 31_422 }),
    ]),
    leakGroup(
      {
        cause: 'unread_in_node',
        side: 'client',
        name: 'billing',
        kind: 'undici',
        sockets: 3,
        oldestAgeMs: 125_000,
        requests: [{ value: 'GET /invoices/:id', sockets: 3 }],
        unreadInNode: 66_000,
      },
      [
        leakedSocket({
          local: '10.0.0.1:40112',
          peer: '10.0.0.7:443',
          ageMs: 125_000,
          idleMs: 126_000,
          bytesReceived: 150_038,
          bytesSent: 96,
          unreadInNode: 22_000,
          flags: ['end withheld'],
          inode: 31_477,
        }),
      ],
    ),
  ],
  { closeWait: { ...leakReport([]).closeWait, not_ended: 42, unread_in_node: 3 } },
);

test('docs/leaks.md has a heading for each cause, and for nothing that is none', () => {
  const headings = [...page.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading);
  expect(headings.toSorted()).toEqual([...LEAK_CAUSES].toSorted());
  for (const kind of DIVERGENCES) expect(page).toContain(kind);
});

test('each of them says how it is told, and what to change', () => {
  for (const section of page.split(/^### /m).slice(1)) {
    const [text = ''] = section.split(/^## /m);
    expect(text.replaceAll(/\s+/g, ' '), section.slice(0, 20)).toMatch(/\*\*Told by\*\* .+\*\*Change\*\*: /);
  }
});

test('it shows the thresholds that hold', () => {
  const rows = [...page.matchAll(/^\| ([A-Z][A-Z0-9_, ]+)[^|]*\| (\d+) s \|/gm)].flatMap(([, states = '', seconds]) =>
    states.split(',').map((state) => [state.trim().toLowerCase(), Number(seconds) * 1_000] as const),
  );
  const held = rows.filter(([state]) => state !== '');
  expect(Object.fromEntries(held)).toEqual(DEFAULT_LEAK_AFTER_MS);
});

test('it shows what is printed', () => {
  expect(blockOf('report')).toBe(formatLeaks(report, { width: 110 }));
  expect(blockOf('line')).toBe(`${formatLeaks(report, { style: 'line' })}\n`);
});

function blockOf(name: string): string | undefined {
  return new RegExp(`<!-- ${name}: begin[^>]*-->\n\`\`\`text\n([\\s\\S]*?)\`\`\`\n<!-- ${name}: end -->`).exec(
    page,
  )?.[1];
}
