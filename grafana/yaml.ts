import type { Json } from './finalize.ts';

/**
 * A value as YAML in block style. Text of several lines becomes a literal block; other text is quoted wherever it might
 * be read as something else, and escaped the way JSON does, which is YAML too, where quotes are not enough.
 *
 * @throws Error for text of several lines that a literal block would not give back as it is
 * @example toYaml({ for: '5m', expr: 'a\n> b' }) // for: 5m, then expr: |- and its lines
 */
export function toYaml(value: Json): string {
  return `${lines(value).join('\n')}\n`;
}

/** Text that every YAML reads as text: begins with a letter, holds nothing with a meaning, is no boolean or null. */
const PLAIN = /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z_][\w./-]*$/i;
const DURATION = /^\d+[smhd]$/;
const PRINTABLE = /^[\x20-\x7e]*$/;

function lines(value: Json): string[] {
  if (isList(value)) {
    if (value.length === 0) return ['[]'];
    return value.flatMap((item) => lines(item).map((line, index) => (index === 0 ? `- ${line}` : indent(line))));
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0) return ['{}'];
    return entries.flatMap(([key, child]) => entry(scalar(key), child));
  }
  return [scalar(value)];
}

function entry(key: string, child: Json): string[] {
  if (typeof child === 'string' && child.includes('\n')) {
    return [`${key}: |-`, ...literal(child).map(indent)];
  }
  const nested = lines(child);
  const isBlock = typeof child === 'object' && child !== null && Object.keys(child).length > 0;
  return isBlock ? [`${key}:`, ...nested.map(indent)] : [`${key}: ${nested[0]}`];
}

function indent(line: string): string {
  return line === '' ? '' : `  ${line}`;
}

function scalar(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  if (PLAIN.test(value) || DURATION.test(value)) return value;
  return PRINTABLE.test(value) ? `'${value.replaceAll("'", "''")}'` : JSON.stringify(value);
}

function literal(text: string): string[] {
  const all = text.split('\n');
  // The first line sets the indentation, and |- drops newlines at the end.
  if (/^\s/.test(text) || text.endsWith('\n') || !all.every((line) => PRINTABLE.test(line))) {
    throw new Error(`no literal block gives this back: ${JSON.stringify(text)}`);
  }
  return all;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
