import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readEnvironment } from '../../src/web/environment.ts';

test('docs/register.md has every variable, and no other', () => {
  const page = readFileSync(new URL('../../docs/register.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(FINWAIT_\w+)` \| `([^`]*)` \|/gm)].map(([, name]) => name);
  const [complaint = ''] = readEnvironment({ FINWAIT_NONE: '1' }).complaints;
  expect(rows).toEqual(/known are (.*)$/.exec(complaint)?.[1]?.split(', '));
});

test('its defaults are the defaults', () => {
  const page = readFileSync(new URL('../../docs/register.md', import.meta.url), 'utf8');
  const defaults = [...page.matchAll(/^\| `(FINWAIT_\w+)` \| `([^`]*)` \|/gm)].map(([, name, value]) => [name, value]);
  const { options, serve, complaints } = readEnvironment(Object.fromEntries(defaults));
  const unset = readEnvironment({});
  expect(complaints).toEqual([]);
  expect(options).toEqual(unset.options);
  expect(serve).toEqual({ ...unset.serve, prefix: 'nodejs_tcp_' });
});
