import type { Service } from '../domain/service.ts'

/** Which services answer where: a snapshot of the configuration, swapped whole. */
export type RoutingTable = {
  /** By host (lower case, without port). */
  readonly hosts: ReadonlyMap<string, PathTable>
  readonly anyHost: PathTable
}

/** The paths of one host. */
export type PathTable = {
  /** By literal path. */
  readonly exact: ReadonlyMap<string, Route>
  /** The prefix `/`. */
  readonly prefixes: PrefixNode
}

/** A prefix that ends in `/`, and the longer ones below it by their next segment. */
export type PrefixNode = {
  /** What `/this/prefix/*` leads to; null when no service has it. */
  readonly route: Route | null
  readonly children: ReadonlyMap<string, PrefixNode>
}

/** The services of one host and path pattern: more than one where they differ by method. */
export type Route = {
  readonly services: readonly Service[]
  /** Methods that one of them takes, in order of appearance; null = every method. */
  readonly allow: readonly string[] | null
}

/**
 * Builds the table of these services. Two that match the same requests are a mistake that the configuration
 * refuses; here the first one would answer.
 */
export function buildTable(services: readonly Service[]): RoutingTable {
  const hosts = new Map<string, Service[]>()
  const anyHost: Service[] = []
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

function buildPaths(services: readonly Service[]): PathTable {
  const exact = new Map<string, Route>()
  const prefixes: GrowingNode = { route: null, children: new Map() }
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

type GrowingNode = { route: Route | null; readonly children: Map<string, GrowingNode> }

/** The node at these segments below `root`, made where it is missing. */
function grow(root: GrowingNode, segments: readonly string[]): GrowingNode {
  let node = root
  for (const segment of segments) {
    const child = node.children.get(segment) ?? { route: null, children: new Map() }
    node.children.set(segment, child)
    node = child
  }
  return node
}

function withService(route: Route | null, service: Service): Route {
  const { methods } = service.match
  if (route === null) return { services: [service], allow: methods }
  return {
    services: [...route.services, service],
    allow:
      route.allow === null || methods === null ? null : [...new Set([...route.allow, ...methods])],
  }
}
