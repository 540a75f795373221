/**
 * The arguments of a command without what looks like a password, a token or a cookie: a recording is kept, and its report
 * gets pasted.
 *
 * @example withoutSecrets(['wrk', '-H', 'Authorization: Bearer abc']) // ['wrk', '-H', 'Authorization: ***']
 */
export function withoutSecrets(argv: readonly string[]): readonly string[] {
  return argv.map((argument, index) =>
    SECRET_OPTION.test(argv[index - 1] ?? '') ? '***' : withoutSecretsIn(argument),
  );
}

/** The same for text that holds a command already. */
export function withoutSecretsIn(text: string): string {
  return text.replace(SECRET_FIELD, '$1$2***').replace(USER_INFO, '$1***@');
}

/** A header or a parameter whose name says that its value is nobody's business: `Authorization: Bearer abc`, `token=abc`. */
const SECRET_FIELD =
  /\b((?:proxy-)?authorization|(?:set-)?cookie|[\w-]*(?:token|secret|password|passwd|api[-_]?key))(\s*[:=]\s*)(?:(?:bearer|basic|digest)\s+)?[^\s&'"]+(?:\s+[^\s&'"=]+=[^\s&'"]+)*/gi;

/** `--token abc` */
const SECRET_OPTION = /^--?[\w-]*(?:token|secret|password|passwd|api-?key)$/i;

/** `http://user:password@host`. */
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi;
