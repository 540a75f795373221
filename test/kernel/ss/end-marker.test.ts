import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EndMarker } from '../../../src/kernel/ss/end-marker.ts';

const TOKEN = '8f3c0123456789abcdef';

describe('the end of a run', () => {
  it.each([
    ['after nothing', [`${TOKEN} 0\n`], '', 0],
    ['after rows', [`one\ntwo\n${TOKEN} 255\n`], 'one\ntwo\n', 255],
    ['after a row that was cut off', [`one\ntw${TOKEN} 137\n`], 'one\ntw', 137],
    ['cut itself', ['one\n8f3c01', '23456789abcd', 'ef 1', '2', '7\n'], 'one\n', 127],
    ['after a text like it', [`${TOKEN} 0\n!`, `${TOKEN} 1\n`], `${TOKEN} 0\n!`, 1],
    ['after its own token', [`${TOKEN}${TOKEN} 1\n`], TOKEN, 1],
  ])('%s', (_, chunks, text, code) => {
    expect(collect(chunks.map((chunk) => Buffer.from(chunk)))).toEqual({ text, code });
  });

  it.each([
    ['of another run', '0123456789abcdef8f3c 0\n'],
    ['without a newline', `${TOKEN} 0`],
    ['without a code', `${TOKEN} \n`],
    ['with a code that is none', `${TOKEN} 1000\n`],
    ['that does not end the stream', `${TOKEN} 0\nrow\n`],
  ])('is no line %s', (_, text) => {
    expect(collect([Buffer.from(text)]).code).toBeUndefined();
  });

  it('gives back every byte before it, wherever the chunks end', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(TOKEN, `${TOKEN} 0\n`, TOKEN.slice(0, 7), '\n', ' 0\n').map((text) => Buffer.from(text)),
      ),
    );
    fc.assert(
      fc.property(pieces, fc.nat(255), fc.infiniteStream(fc.integer({ min: 1, max: 90 })), (parts, code, sizes) => {
        // A marker may end a chunk only once: what looks like it goes on.
        const output = Buffer.concat([...parts, Buffer.from('!')]);
        const stream = Buffer.concat([output, Buffer.from(`${TOKEN} ${code}\n`)]);
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < stream.length; ) {
          let end = Math.min(stream.length, at + (sizes.next().value as number));
          while (end < stream.length && stream.subarray(0, end).toString('latin1').endsWith(' 0\n')) end++;
          chunks.push(stream.subarray(at, end));
          at = end;
        }
        expect(collect(chunks)).toEqual({ text: output.toString('latin1'), code });
      }),
    );
  });

  it.each<readonly [string, string, number]>([
    ['nothing of what it cannot begin with', 'x', 0],
    ['no more than its own length', `${TOKEN} 12`, `${TOKEN} 12`.length],
    ['nothing of what has gone on otherwise', `${TOKEN}! 1234`, 0],
    ['what may be its beginning', `x${TOKEN.slice(0, 3)}`, 3],
  ])('holds back %s', (_, end, held) => {
    let bytes = 0;
    const marker = new EndMarker(TOKEN, (chunk) => {
      bytes += chunk.length;
    });
    const chunk = Buffer.concat([Buffer.alloc(1000, 'x'), Buffer.from(end)]);
    for (let each = 0; each < 100; each++) marker.push(chunk);
    expect(bytes).toBe(100 * chunk.length - held);
  });
});

function collect(chunks: readonly Uint8Array[]): { readonly text: string; readonly code: number | undefined } {
  let text = '';
  let code: number | undefined;
  const marker = new EndMarker(TOKEN, (bytes) => {
    text += Buffer.from(bytes).toString('latin1');
  });
  for (const chunk of chunks) {
    expect(code).toBeUndefined();
    code = marker.push(chunk);
  }
  return { text, code };
}
