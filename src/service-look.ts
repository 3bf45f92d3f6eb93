import type {
  MirrorFigures,
  RuleStatus,
  ServiceStatus,
  VariantFigures,
} from './admin/service-status.ts'
import type { LiveServices } from './live-services.ts'
import type { MirrorBook } from './metrics/mirror-book.ts'
import type { RuleBook } from './metrics/rule-book.ts'
import type { ServiceReading } from './metrics/service-reading.ts'
import type { Upstream } from './proxy/upstream.ts'
import type { VariantBook } from './metrics/variant-book.ts'
import type { ExperimentView } from './rollout/experiment-view.ts'
import type { RolloutView } from './rollout/view.ts'

/** What the parts that show a service (admin API, scrape) are given of it; null = no such service. */
export type ServiceLook = {
  readonly status: (service: string) => ServiceStatus | null
  readonly read: (service: string) => ServiceReading | null
}

/** Looks at the services as they are at the moment of the question. */
export function createServiceLook(deps: {
  readonly live: () => LiveServices
  readonly view: (service: string) => RolloutView | null
  readonly experiment: (service: string) => ExperimentView | null
  /** Monotonic ms. */
  readonly now: () => number
}): ServiceLook {
  const find = (name: string) => {
    const { snapshot, books } = deps.live()
    const runtime = snapshot.runtimes.get(name)
    return runtime === undefined ? null : { ...runtime, book: books.get(name)! }
  }
  return {
    status: (name) => {
      const found = find(name)
      if (found === null) return null
      const { service, split, book, targets } = found
      const now = deps.now()
      // Where nothing is judged nobody else lets old latencies fade.
      book.fade()
      const figures = service.variants.map((variant) => {
        const all = targets.get(variant.name)!.upstreams
        const healthy = all.filter((upstream) => isHealthy(upstream, now)).length
        const { length: upstreams } = all
        const shown = figuresOf(book.variants.get(variant.name)!)
        return [variant.name, { ...shown, upstreams, healthy }] as const
      })
      return {
        service,
        weightsBp: split.weightsBp,
        variants: Object.fromEntries(figures),
        mirrors: Object.fromEntries(
          [...book.mirrors].map(([variant, mirror]) => [variant, mirrorFiguresOf(mirror)]),
        ),
        rules: book.rules === null ? [] : rulesOf(book.rules),
        rollout: deps.view(name),
        experiment: deps.experiment(name),
      }
    },
    read: (name) => {
      const found = find(name)
      if (found === null) return null
      const { split, book, targets } = found
      const now = deps.now()
      const upstreams = [...targets].flatMap(([variant, target]) =>
        target.upstreams.map((upstream) => ({
          variant,
          upstream: upstream.origin,
          healthy: isHealthy(upstream, now),
        })),
      )
      return {
        book,
        weightsBp: split.weightsBp,
        view: deps.view(name),
        experiment: deps.experiment(name),
        upstreams,
      }
    },
  }
}

function figuresOf(book: VariantBook): Omit<VariantFigures, 'upstreams' | 'healthy'> {
  const { requests, errors, rejected, drawn } = book
  const quantile = (q: number) => drawn.quantile(q)
  const quantiles = { p50Ms: quantile(0.5), p95Ms: quantile(0.95), p99Ms: quantile(0.99) }
  return { requests, errors, rejected, ...quantiles }
}

function rulesOf(book: RuleBook): readonly RuleStatus[] {
  return book.places().map(({ name, byVariant }) => ({
    rule: name,
    variants: Object.fromEntries(
      [...byVariant].map(([variant, figures]) => {
        const { requests, errors, latencies } = figures
        const scores = book.metrics.map((m) => [m.name, figures.scoreOf(m)] as const)
        const shown = {
          ...{ requests, errors },
          p50Ms: latencies.quantile(0.5),
          p95Ms: latencies.quantile(0.95),
          p99Ms: latencies.quantile(0.99),
          metrics: Object.fromEntries(scores.flatMap(([m, s]) => (s === null ? [] : [[m, s]]))),
        }
        return [variant, shown]
      }),
    ),
  }))
}

function mirrorFiguresOf(book: MirrorBook): MirrorFigures {
  const { inFlight, results, lastOkAt, latencies, pairs, unread, disagreements } = book
  const compared = pairs + unread
  return {
    inFlight,
    results,
    lastOkAt,
    p50Ms: latencies.quantile(0.5),
    p95Ms: latencies.quantile(0.95),
    p99Ms: latencies.quantile(0.99),
    pairs,
    unread,
    disagreements,
    liveHeadMs: compared === 0 ? null : book.liveMs / compared,
    mirrorHeadMs: compared === 0 ? null : book.mirrorMs / compared,
    lastDisagreed: book.lastDisagreed,
  }
}

/** Its checks are good, and it was not left out for failing. */
function isHealthy(upstream: Upstream, now: number): boolean {
  return upstream.health === 'up' && upstream.isAvailable(now)
}
