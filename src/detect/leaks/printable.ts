/**
 * Text of unknown origin as printable ASCII on one line, cut to a length: whatever a request's path or a name contains,
 * it begins no escape sequence and no line of its own. Anything else becomes `?`.
 *
 * @example printable('GET /\x1b[2J\n', 80) // 'GET /?[2J?'
 */
export function printable(text: string, maxLength: number): string {
  // First a cut, so that a text without an end costs no more than its begin.
  const ascii = String(text)
    .slice(0, maxLength + 1)
    .replace(/[^\x20-\x7e]/g, '?');
  return shortened(ascii, maxLength);
}

/** The same for what stands between backticks. */
export function quoted(text: string, maxLength: number): string {
  return `\`${printable(text, maxLength).replaceAll('`', "'")}\``;
}

/** Cut to a length, with three dots where something is missing. */
export function shortened(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, Math.max(0, maxLength - 3))}...`.slice(0, maxLength);
}
