/** Text that is markup already. */
export interface Markup {
  readonly markup: string;
}

/** What may stand in a template: text is escaped, markup is not, a list is put together, undefined is nothing. */
export type Part = string | number | Markup | undefined | readonly Part[];

/**
 * HTML or SVG out of a template: whatever is put into it is escaped, in text and between double quotes alike, unless
 * it was made by this function.
 *
 * @example html`<b title="${name}">${name}</b>`.markup
 */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { markup: strings.map((string, index) => string + markupOf(parts[index])).join('') };
}

/** Text of ours that needs no escape: styles and scripts. */
export function verbatim(text: string): Markup {
  return { markup: text };
}

/** Plain data for a script of the page: it cannot end the element it stands in. */
export function embedded(data: unknown): Markup {
  return { markup: JSON.stringify(data).replaceAll('<', '\\u003c') };
}

function markupOf(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  if ('markup' in part) return part.markup;
  return part.map(markupOf).join('');
}

function escaped(text: string): string {
  return text.replace(UNPRINTABLE, '\ufffd').replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

const ESCAPES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Controls, and what turns the direction of the text that follows: a name must not look like another one. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNPRINTABLE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
