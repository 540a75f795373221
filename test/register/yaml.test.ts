import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toYaml } from '../../grafana/yaml.ts';
import { parseYaml } from '../support/yaml.ts';

test('what is written is what is read', () => {
  const key = fc
    .stringMatching(/^[a-z][a-z0-9]{0,6}$/)
    .filter((text) => !/^(?:true|false|null|yes|no|on|off|y|n)$/.test(text));
  const text = fc.stringMatching(/^[a-z][a-z0-9 :'"#-]{0,8}$/).filter((one) => one.trim() === one);
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      text,
      fc.integer(),
      fc.boolean(),
      fc.array(tie('value'), { minLength: 1, maxLength: 4 }),
      fc.dictionary(key, tie('value'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(key, value, { minKeys: 1, noNullPrototype: true }), (written) => {
      expect(parseYaml(toYaml(written as never))).toEqual(written);
    }),
  );
});

test.each([
  ['a:\n- b\n- c: 1\n  d: "0.0.0.0"\n', { a: ['b', { c: 1, d: '0.0.0.0' }] }],
  ['# of all\na: ["x", 1]\n\n# of b\nb:\nc: image:1.0\n', { a: ['x', 1], b: null, c: 'image:1.0' }],
])('%j is read', (source, expected) => {
  expect(parseYaml(source)).toEqual(expected);
});

test.each([
  ['a: 1\n  b: 2\n', 'line 2 is indented like nothing before it'],
  ['a: 1\na: 2\n', 'line 2 comes twice'],
  ['a: yes\n', 'line 1 must be quoted'],
  ['a: |\n  text\n', 'line 1 is none of the YAML'],
  ['a: {b: 1}\n', 'line 1 is none of the YAML'],
  ['a: &b 1\n', 'line 1 is none of the YAML'],
  ['a: 1 # one\n', 'line 1 is none of the YAML'],
  ['a:\n  - b\n c: 1\n', 'line 3 is indented'],
  ['a:\n\tb: 1\n', 'line 2'],
])('%j is refused', (source, message) => {
  expect(() => parseYaml(source)).toThrow(message);
});
