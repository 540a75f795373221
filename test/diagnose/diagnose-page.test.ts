import { expect, test } from 'vitest';
import { CONFIDENCES, LIMIT_KINDS, LIMITS } from '../../src/detect/load-test/finding.ts';
import { DIAGNOSIS_FORMAT } from '../../src/diagnose/diagnosis.ts';
import { textReport } from '../../src/diagnose/report/text-report.ts';
import { SCOPE_WORDS } from '../../src/diagnose/report/verdict-words.ts';
import { acceptQueueOverflow } from '../support/sample-diagnoses.ts';
import { readSource } from '../support/script.ts';

const page = readSource('docs/diagnose.md');

test('docs/diagnose.md shows what is printed', () => {
  expect(blockOf('report')).toBe(`\`\`\`text\n${textReport(acceptQueueOverflow())}\`\`\`\n`);
});

test('its table has every limit with its word, in their order, and how it is told', () => {
  const rows = [...(blockOf('limits') ?? '').matchAll(/^\| `([^`]+)` \| \*\*([^*]+)\*\* \| (.+) \|$/gm)];
  expect(rows.map(([, word, title]) => ({ word, title }))).toEqual(LIMIT_KINDS.map((kind) => LIMITS[kind]));
  for (const [, , title, told] of rows) expect(told?.length, title).toBeGreaterThan(30);
});

test('it explains each confidence, each scope, and names the format', () => {
  for (const confidence of CONFIDENCES) expect(page).toContain(`\`${confidence}\` `);
  for (const scope of Object.values(SCOPE_WORDS)) expect(page).toContain(`**${scope}**`);
  expect(page).toContain(`\`format\` is ${DIAGNOSIS_FORMAT};`);
});

test('it has every option of the command, and no other', () => {
  const command = readSource('src/cli/diagnose-command.ts');
  const there = [...command.matchAll(/(?:\.option|new Option)\('(?:-\w, )?(--[\w-]+)/g)].map(([, option]) => option);
  const told = [...page.matchAll(/^\| `(--[\w-]+)[^`]*`(?:, `-\w`)? \|/gm)].map(([, option]) => option);
  expect(told).toEqual(there);
});

function blockOf(name: string): string | undefined {
  return new RegExp(`<!-- ${name}: begin[^>]*-->\\n([\\s\\S]*?)<!-- ${name}: end -->`).exec(page)?.[1];
}
