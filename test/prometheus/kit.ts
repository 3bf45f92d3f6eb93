import { readFileSync } from 'node:fs'
import { createMetricsRegistry, type MetricDescription } from '../../src/metrics/registry.ts'

/** Where the kit lies, from the root of the project. */
export const RULES = 'config/prometheus/serin-rules.yaml'
export const DASHBOARD = 'config/grafana/serin.json'

/** A dashboard, as far as these tests look into it. */
export type Dashboard = {
  readonly uid: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly definition?: string }[]
  }
}

export type Panel = {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly targets?: readonly {
    readonly expr: string
    readonly refId: string
    readonly legendFormat: string
    readonly datasource: { readonly uid: string }
  }[]
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard
}

/** Every expression of the dashboard, its variables replaced as Grafana does for all services. */
export function dashboardExpressions(): readonly string[] {
  const { panels, annotations } = readDashboard()
  const all = [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...annotations.list.map(({ expr }) => expr),
  ]
  return all.map((expr) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$service', '.*'))
}

/** Every metric that a gateway can have. */
export function describeMetrics(): Promise<readonly MetricDescription[]> {
  return createMetricsRegistry({
    withoutStore: () => ({ disk: 0, configuration: 0 }),
    ...{ version: '1', services: () => [], leads: () => true, replicas: () => null },
    linesLost: () => 0,
    certificateNotAfter: () => null,
    forgotten: () => ({ expired: 0, evicted: 0, dropped: 0 }),
  }).describe()
}

/** The metrics that an expression reads, without the suffixes of histograms. */
export function metricsOf(expression: string): readonly string[] {
  return [...expression.matchAll(/\bserin_\w+/g)].map(([name]) =>
    name.replace(/_(?:bucket|sum|count)$/, ''),
  )
}

/** The labels that an expression selects or groups by. */
export function labelsOf(expression: string): readonly string[] {
  const selected = [...expression.matchAll(/[{,]\s*(\w+)\s*(?:=~|!=|=)/g)].map(([, name]) => name!)
  const lists = [...expression.matchAll(/\b(?:by|on|ignoring) \(([^)]*)\)/g)]
  const grouped = lists.flatMap(([, names]) => names!.split(',').map((name) => name.trim()))
  return [...selected, ...grouped].filter((name) => name !== '')
}
