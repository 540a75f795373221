import { expect, test } from 'vitest';
import { toYaml } from '../../grafana/yaml.ts';

test('objects and lists nest by indentation, in their order', () => {
  expect(toYaml({ b: [{ x: 1, z: ['p', 'q'] }, 'r'], a: { c: true, d: null }, e: [], f: {} })).toBe(
    'b:\n  - x: 1\n    z:\n      - p\n      - q\n  - r\na:\n  c: true\n  d: null\ne: []\nf: {}\n',
  );
});

test('several lines become a literal block', () => {
  expect(toYaml({ rules: [{ expr: '(\n    a\n\n  >\n    b\n)' }] })).toBe(
    'rules:\n  - expr: |-\n      (\n          a\n\n        >\n          b\n      )\n',
  );
});

test.each([
  ['5m', '5m'],
  ['warning', 'warning'],
  ['runbook.md', 'runbook.md'],
  ['', "''"],
  ['no', "'no'"],
  ['True', "'True'"],
  ['null', "'null'"],
  ['~', "'~'"],
  ['12', "'12'"],
  ['1e3', "'1e3'"],
  ['0x1f', "'0x1f'"],
  ['a: b', "'a: b'"],
  ['a #b', "'a #b'"],
  ["it's", "'it''s'"],
  ['{{ $labels.job }}', "'{{ $labels.job }}'"],
  [' a', "' a'"],
  ['- a', "'- a'"],
  ['a\tb', String.raw`"a\tb"`],
  ['µ', '"µ"'],
])('the text %j is written as %s', (text, written) => {
  expect(toYaml({ key: text })).toBe(`key: ${written}\n`);
  expect(toYaml([text])).toBe(`- ${written}\n`);
});

test.each(['a\n', ' a\nb', 'a\n\tb', '\na'])('%j is refused: no literal block would give it back', (text) => {
  expect(() => toYaml({ key: text })).toThrow(JSON.stringify(text));
});
