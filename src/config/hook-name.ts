/**
 * A webhook's address as it may be shown: scheme, host and port. Its user info, path and query may each be
 * all that keeps strangers out (Slack's is the path).
 */
export function hookName(url: string): string {
  if (!URL.canParse(url)) return '(hidden)'
  const { protocol, host, pathname, search } = new URL(url)
  return `${protocol}//${host}${pathname === '/' && search === '' ? '' : '/(hidden)'}`
}
