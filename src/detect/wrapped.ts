/**
 * Broken at spaces into lines that are no longer than the width, those after the first indented. What stands between
 * backticks stays on one line where it can: it is there to be copied.
 */
export function wrapped(text: string, width: number, indent: string, first: string = ''): string[] {
  const lines: string[] = [];
  let line = first;
  let isBegun = false;
  for (const word of text.match(UNBROKEN) ?? []) {
    if (isBegun && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      isBegun = false;
    }
    line += isBegun ? ` ${word}` : word;
    isBegun = true;
    for (; line.length > width; line = `${indent}${line.slice(width)}`) lines.push(line.slice(0, width));
  }
  return [...lines, line];
}

const UNBROKEN = /(?:`[^`]*`|[^ ])+/g;
