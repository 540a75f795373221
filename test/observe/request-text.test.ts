import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requestPattern, requestText } from '../../src/observe/request-text.ts';

describe('the text of a request', () => {
  test.each([
    ['GET', '/stream?token=1', 'GET /stream'],
    ['GET', '/', 'GET /'],
    ['OPTIONS', '*', 'OPTIONS *'],
    ['CONNECT', 'example.com:443', 'CONNECT example.com:443'],
    ['GET', 'http://user:secret@example.com/a?b=1', 'GET /a'],
    ['GET', 'HTTPS://example.com', 'GET '],
    ['GET', '/redirect/http://example.com/a', 'GET /redirect/http://example.com/a'],
    [undefined, undefined, ' '],
  ])('%s %s is %s', (method, url, text) => expect(requestText({ method, url })).toBe(text));

  test('is at most 200 characters', () => {
    expect(requestText({ method: 'GET', url: `/${'a'.repeat(9_000)}` })).toBe(`GET /${'a'.repeat(195)}`);
  });
});

describe('the pattern of requests', () => {
  test.each([
    ['GET /users/4711/cart', 'GET /users/:id/cart'],
    ['GET /1/2/3', 'GET /:id/:id/:id'],
    ['GET /users/123e4567-E89B-12d3-a456-426614174000', 'GET /users/:id'],
    ['GET /blobs/00112233445566778899aabbccddeeff', 'GET /blobs/:id'],
    ['GET /blobs/0123456789abcdef', 'GET /blobs/:id'],
    ['GET /blobs/0123456789abcde', 'GET /blobs/0123456789abcde'],
    ['GET /v1/users/:id', 'GET /v1/users/:id'],
    ['GET /a;jsessionid=0A1B/b;c=2', 'GET /a/b'],
    ['CONNECT 10.0.0.1:443', 'CONNECT 10.0.0.1:443'],
    ['GET /a\r\nb\u001b[0m', 'GET /ab[0m'],
    ['GET /4711x', 'GET /4711x'],
    [`GET /${'1'.repeat(300)}/a`, 'GET /:id/a'],
  ])('%j is %j', (text, pattern) => expect(requestPattern(text)).toBe(pattern));

  test('is one line of at most 200 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (text) => {
        const pattern = requestPattern(`GET /${text}`);
        expect(pattern.length).toBeLessThanOrEqual(200);
        expect(pattern).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });
});
