/**
 * A request as one line for a report: method and path, without the query, which may carry secrets.
 *
 * @example requestText({ method: 'GET', url: '/stream?token=1' }) // 'GET /stream'
 */
export function requestText(request: {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}): string {
  const { method = '', url = '' } = request;
  const query = url.indexOf('?');
  return `${method} ${query < 0 ? url : url.slice(0, query)}`;
}
