import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { siteOriginOf, siteText } from '../../src/sockets/site-text.ts';

describe('whose code a script is', () => {
  test.each([
    ['/app/lib/proxy.ts', 'program'],
    ['file:///app/lib/proxy.mjs', 'program'],
    ['[eval]', 'program'],
    ['/app/node_modules/pg/lib/connection.js', 'package'],
    ['file:///app/node_modules/.pnpm/pg@8/node_modules/pg/lib/connection.js', 'package'],
    ['/app/node_modules/@scope/db/index.js', 'package'],
    ['/app/node_modules/undici-retry/index.js', 'package'],
    ['/app/node_modules/undici/lib/core/connect.js', 'none'],
    ['/app/node_modules/finwait/dist/chunks/monitor-AB.js', 'none'],
    ['/app/node_modules/undici/node_modules/ws/lib/websocket.js', 'package'],
    ['node:net', 'none'],
    ['node:internal/deps/undici/undici', 'none'],
    ['', 'none'],
  ])('%s: %s', (file, origin) => expect(siteOriginOf(file)).toBe(origin));
});

describe('a place', () => {
  test.each([
    ['/app/lib/proxy.ts', '/app', 'lib/proxy.ts:7'],
    ['file:///app/lib/proxy.ts?t=17#a', '/app', 'lib/proxy.ts:7'],
    ['file:///app/my%20lib/a.ts', '/app', 'my lib/a.ts:7'],
    ['file:///app/100%/a.ts', '/app', '100%/a.ts:7'],
    ['/application/a.ts', '/app', '/application/a.ts:7'],
    ['/app/a.ts', '/', '/app/a.ts:7'],
    ['/app/a.ts', '', '/app/a.ts:7'],
    ['/repo/node_modules/pg/lib/connection.js', '/repo/services/api', 'node_modules/pg/lib/connection.js:7'],
    ['/app/node_modules/.pnpm/pg@8/node_modules/pg/a.js', '/app', 'node_modules/pg/a.js:7'],
    ['[eval]', '/app', '[eval]:7'],
    ['/app/a\n\u001b[31m.ts', '/app', 'a[31m.ts:7'],
  ])('%s seen from %s is %s', (file, directory, text) => expect(siteText(file, 7, directory)).toBe(text));

  test('is one line of at most 200 characters, whatever the file is called', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.nat(), fc.string(), (file, line, directory) => {
        const text = siteText(file, line % 1_000_000, directory);
        expect(text.length).toBeLessThanOrEqual(200);
        expect(text).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });
});
