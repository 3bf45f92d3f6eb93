import type { PathTable, PrefixNode, Route, Routed, RoutingTable } from './table.ts'

/** Where a request belongs: to a service, to a path whose services take other methods, or nowhere. */
export type RouteMatch<T> =
  | { readonly kind: 'service'; readonly service: T }
  /** Methods that would have been taken here, for the Allow header (RFC 9110 §10.2.1). */
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' }

const NONE: RouteMatch<never> = { kind: 'none' }

/**
 * Finds the service of a request: a service of its host before one of any host, then the path with most
 * literal characters (the literal path before the prefix), and only then the method. `method` is upper case,
 * `host` lower case without port, `path` raw and without query. The cost grows with the segments of the path
 * that are configured, not with the number of services.
 */
export function matchService<T extends Routed>(
  table: RoutingTable<T>,
  method: string,
  host: string,
  path: string,
): RouteMatch<T> {
  const paths = table.hosts.get(host)
  const route = (paths && findRoute(paths, path)) ?? findRoute(table.anyHost, path)
  if (route === null) return NONE
  for (const service of route.services) {
    if (service.match.methods?.includes(method) ?? true) return { kind: 'service', service }
  }
  return { kind: 'method', allow: route.allow! }
}

function findRoute<T>(paths: PathTable<T>, path: string): Route<T> | null {
  if (!path.startsWith('/')) return null
  return paths.exact.get(path) ?? longestPrefix(paths.prefixes, path)
}

/** `/a/` is a prefix of `/a/` and of what is below it, not of `/a`. */
function longestPrefix<T>(root: PrefixNode<T>, path: string): Route<T> | null {
  let node: PrefixNode<T> | undefined = root
  let longest: Route<T> | null = null
  let start = 1
  while (node !== undefined) {
    longest = node.route ?? longest
    const slash = node.children === null ? -1 : path.indexOf('/', start)
    if (slash === -1) break
    node = node.children!.get(path.slice(start, slash))
    start = slash + 1
  }
  return longest
}
