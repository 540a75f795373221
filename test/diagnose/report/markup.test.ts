import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { embedded, html } from '../../../src/diagnose/report/markup.ts';

it('what is put into a template is text, in an element and in an attribute', () => {
  const evil = `"><script>alert('1')</script>&`;
  expect(html`<p title="${evil}">${evil}</p>`.markup).toBe(
    '<p title="&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;">&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;</p>',
  );
});

it('markup, lists, numbers and nothing', () => {
  expect(html`${[html`<b>${1}</b>`, undefined, 'a & b']}`.markup).toBe('<b>1</b>a &amp; b');
});

it('neither controls nor what turns the direction of text come through', () => {
  expect(html`${'a\u0000b\u202ec\u2066d\x1b[2Je'}`.markup).toBe('a\ufffdb\ufffdc\ufffdd\ufffd[2Je');
  expect(html`${'tab\tand\nline'}`.markup).toBe('tab\tand\nline');
});

it('data does not end its element, and is read back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const { markup } = embedded([value, '</script><!--']);
      expect(markup).not.toContain('<');
      expect(JSON.parse(markup)).toEqual(JSON.parse(JSON.stringify([value, '</script><!--'])));
    }),
  );
});
