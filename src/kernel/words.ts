// What the parsers of ss and of procfs share: a line of bytes is words between blanks, and a word may be a number.

/** Where the next word of a line starts. Every control character separates: one comparison a byte, on the path that every byte takes. */
export function skipBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] as number) <= SPACE) at++;
  return at;
}

/** Where the word that starts here ends. */
export function skipWord(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && (bytes[at] as number) > SPACE) at++;
  return at;
}

/** Whether the bytes are exactly this word. */
export function isWord(bytes: Uint8Array, from: number, to: number, word: Uint8Array): boolean {
  return to - from === word.length && startsWith(bytes, from, to, word);
}

/** Whether the bytes start with these. */
export function startsWith(bytes: Uint8Array, from: number, to: number, prefix: Uint8Array): boolean {
  if (to - from < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) if (bytes[from + index] !== prefix[index]) return false;
  return true;
}

/** An unsigned 32-bit number, or -1. */
export function decimal(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to || to - from > 10) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    if (!isDigit(byte)) return -1;
    value = value * 10 + byte - ZERO;
  }
  return value <= 0xffffffff ? value : -1;
}

/** An unsigned 64-bit number, 0 where a double cannot hold it exactly, or -1. */
export function hexadecimal(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to || to - from > 16) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = hexDigit(bytes[at] as number);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : 0;
}

/** Whether a line is empty to the eye, rather than made of NULs and their like. */
export function isPadding(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== SPACE && bytes[at] !== TAB) return false;
  return true;
}

/** Whether a byte is one of `0` to `9`. */
export function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

/** At most 200 characters of a line, without control characters: fit to be logged. */
export function excerpt(bytes: Uint8Array, from: number, to: number): string {
  const text = new TextDecoder().decode(bytes.subarray(from, Math.min(to, from + 4 * EXCERPT_CHARACTERS)));
  return text.slice(0, EXCERPT_CHARACTERS).replaceAll(/\p{Cc}/gu, '?');
}

/** The bytes of a text of ASCII characters. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= NINE) return byte - ZERO;
  const letter = byte | LOWER_CASE_BIT;
  return letter >= LOWER_A && letter <= LOWER_F ? letter - LOWER_A + 10 : -1;
}

const EXCERPT_CHARACTERS = 200;
const TAB = 9;
const SPACE = 32;
const ZERO = 48;
const NINE = 57;
const LOWER_A = 97;
const LOWER_F = 102;
const LOWER_CASE_BIT = 32;
