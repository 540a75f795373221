const MAX_LENGTH = 200;
/** The first character of a path, of which the target of nearly every request consists. */
const SLASH = 0x2f;

/**
 * A request as one line for a report: method and path, without the query, which may carry secrets, and without scheme
 * and host, as a proxy gets them (RFC 9112 section 3.2.2). At most 200 characters.
 *
 * @example requestText({ method: 'GET', url: '/stream?token=1' }) // 'GET /stream'
 */
export function requestText(request: {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}): string {
  const { method = '', url = '' } = request;
  const path = url.charCodeAt(0) === SLASH ? url : url.replace(ORIGIN, '');
  const query = path.indexOf('?');
  return `${method} ${query < 0 ? path : path.slice(0, query)}`.slice(0, MAX_LENGTH);
}

const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/**
 * The same for a group of requests: a segment that surely is an id (digits, a UUID, 16 or more hexadecimal digits) is
 * `:id`. Path parameters (`;jsessionid=`) and control characters are left out.
 *
 * @example requestPattern('GET /users/4711/cart') // 'GET /users/:id/cart'
 */
export function requestPattern(text: string): string {
  return text.slice(0, MAX_READ).replace(UNSHOWN, '').replace(ID, ':id').slice(0, MAX_LENGTH);
}

/** A program may have noted anything as its request. */
const MAX_READ = 2_000;
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|;[^/]*/gu;
const ID = /(?<=\/)(?:\d+|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{16,})(?=\/|$)/gi;
