import type { Service } from '../domain/service.ts'

/** What a table finds: a service, or what somebody keeps of it. */
export type Routed = Pick<Service, 'match'>

/** Which services answer where: a snapshot of the configuration, swapped whole. */
export type RoutingTable<T extends Routed> = {
  /** By host (lower case, without port). */
  readonly hosts: ReadonlyMap<string, PathTable<T>>
  readonly anyHost: PathTable<T>
}

/** The paths of one host. */
export type PathTable<T> = {
  /** By literal path. */
  readonly exact: ReadonlyMap<string, Route<T>>
  /** The prefix `/`. */
  readonly prefixes: PrefixNode<T>
}

/** A prefix that ends in `/`, and the longer ones below it by their next segment. */
export type PrefixNode<T> = {
  /** What `/this/prefix/*` leads to; null when no service has it. */
  readonly route: Route<T> | null
  /** Null: there are none. */
  readonly children: ReadonlyMap<string, PrefixNode<T>> | null
}

/** The services of one host and path pattern: more than one where they differ by method. */
export type Route<T> = {
  readonly services: readonly T[]
  /** Methods that one of them takes, in order of appearance; null = every method. */
  readonly allow: readonly string[] | null
}

/**
 * Builds the table of these services. Two that match the same requests are a mistake that the configuration
 * refuses; here the first one would answer.
 */
export function buildTable<T extends Routed>(services: readonly T[]): RoutingTable<T> {
  const hosts = new Map<string, T[]>()
  const anyHost: T[] = []
  for (const service of services) {
    const { host } = service.match
    const members = host === null ? anyHost : (hosts.get(host) ?? [])
    if (host !== null) hosts.set(host, members)
    members.push(service)
  }
  return {
    hosts: new Map([...hosts].map(([host, members]) => [host, buildPaths(members)])),
    anyHost: buildPaths(anyHost),
  }
}

function buildPaths<T extends Routed>(services: readonly T[]): PathTable<T> {
  const exact = new Map<string, Route<T>>()
  const prefixes: GrowingNode<T> = { route: null, children: null }
  for (const service of services) {
    const { path } = service.match
    if (path.endsWith('/*')) {
      const node = grow(prefixes, path.split('/').slice(1, -1))
      node.route = withService(node.route, service)
    } else {
      exact.set(path, withService(exact.get(path) ?? null, service))
    }
  }
  return { exact, prefixes }
}

type GrowingNode<T> = { route: Route<T> | null; children: Map<string, GrowingNode<T>> | null }

/** The node at these segments below `root`, made where it is missing. */
function grow<T>(root: GrowingNode<T>, segments: readonly string[]): GrowingNode<T> {
  let node = root
  for (const segment of segments) {
    const children = (node.children ??= new Map<string, GrowingNode<T>>())
    const child = children.get(segment) ?? { route: null, children: null }
    children.set(segment, child)
    node = child
  }
  return node
}

function withService<T extends Routed>(route: Route<T> | null, service: T): Route<T> {
  const { methods } = service.match
  if (route === null) return { services: [service], allow: methods }
  return {
    services: [...route.services, service],
    allow:
      route.allow === null || methods === null ? null : [...new Set([...route.allow, ...methods])],
  }
}
