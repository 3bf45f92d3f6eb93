import type { Service } from '../domain/service.ts'
import type { PathTable, PrefixNode, Route, RoutingTable } from './table.ts'

/** Where a request belongs: to a service, to a path whose services take other methods, or nowhere. */
export type RouteMatch =
  | { readonly kind: 'service'; readonly service: Service }
  /** Methods that would have been taken here, for the Allow header (RFC 9110 §10.2.1). */
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' }

const NONE: RouteMatch = { kind: 'none' }

/**
 * Finds the service of a request: a service of its host before one of any host, then the path with most
 * literal characters (the literal path before the prefix), and only then the method. `method` is upper case,
 * `host` lower case without port, `path` raw and without query. The cost grows with the segments of the path
 * that are configured, not with the number of services.
 */
export function matchService(
  table: RoutingTable,
  method: string,
  host: string,
  path: string,
): RouteMatch {
  const paths = table.hosts.get(host)
  const route = (paths && findRoute(paths, path)) ?? findRoute(table.anyHost, path)
  if (route === null) return NONE
  for (const service of route.services) {
    if (service.match.methods?.includes(method) ?? true) return { kind: 'service', service }
  }
  return { kind: 'method', allow: route.allow! }
}

function findRoute(paths: PathTable, path: string): Route | null {
  if (!path.startsWith('/')) return null
  return paths.exact.get(path) ?? longestPrefix(paths.prefixes, path)
}

/** `/a/` is a prefix of `/a/` and of what is below it, not of `/a`. */
function longestPrefix(root: PrefixNode, path: string): Route | null {
  let node: PrefixNode | undefined = root
  let longest: Route | null = null
  let start = 1
  while (node !== undefined) {
    longest = node.route ?? longest
    const slash = path.indexOf('/', start)
    if (slash === -1) break
    node = node.children.get(path.slice(start, slash))
    start = slash + 1
  }
  return longest
}
