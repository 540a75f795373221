/**
 * A command as one would type it, for people: what looks like a password, a token or a cookie is left out, since a report
 * gets pasted. The JSON has the arguments as they were.
 *
 * @example shownCommand(['wrk', '-H', 'Authorization: Bearer abc', 'http://127.0.0.1']) // "wrk -H 'Authorization: ***' http://127.0.0.1"
 */
export function shownCommand(argv: readonly string[]): string {
  return argv
    .map((argument, index) => (SECRET_OPTION.test(argv[index - 1] ?? '') ? '***' : withoutSecrets(argument)))
    .map(typed)
    .join(' ');
}

/** The same for text that holds a command already. */
export function withoutSecrets(text: string): string {
  return text.replace(SECRET_FIELD, '$1$2***').replace(USER_INFO, '$1***@');
}

/** A header or a parameter whose name says that its value is nobody's business: `Authorization: Bearer abc`, `token=abc`. */
const SECRET_FIELD =
  /\b((?:proxy-)?authorization|(?:set-)?cookie|[\w-]*(?:token|secret|password|passwd|api[-_]?key))(\s*[:=]\s*)(?:(?:bearer|basic|digest)\s+)?[^\s&'"]+(?:\s+[^\s&'"=]+=[^\s&'"]+)*/gi;

/** `--token abc` */
const SECRET_OPTION = /^--?[\w-]*(?:token|secret|password|passwd|api-?key)$/i;

/** `http://user:password@host`. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;

function typed(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
