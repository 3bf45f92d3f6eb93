import type { FailingName, ServiceStatus } from './admin/service-status.ts'
import type { Clock } from './domain/clock.ts'
import type { Deciding } from './domain/replica.ts'
import { rolloutId, type RolloutState } from './domain/rollout-state.ts'
import type { MetricReport } from './domain/verdict.ts'
import type { Evaluator } from './evaluator/evaluator.ts'
import type { LiveServices } from './live-services.ts'
import { RolloutHistory, type AttemptHistory } from './metrics/rollout-history.ts'
import type { ServiceReading } from './metrics/service-reading.ts'
import type { ServiceBook } from './metrics/service-recorder.ts'
import type { Upstream } from './proxy/upstream.ts'
import type { VariantTarget } from './proxy/variant-target.ts'
import {
  mergeFigures,
  readFigures,
  toMirrorFigures,
  toRuleStatus,
  toVariantFigures,
  type FiguresByService,
  type ServiceFigures,
} from './service-figures.ts'

/** What the parts that show a service (admin API, scrape) are given of it; null = no such service. */
export type ServiceLook = {
  /** With what the other processes of this gateway counted when `gather` was called last. */
  readonly status: (service: string) => ServiceStatus | null
  /** Those of all services, in the order of the configuration; each as it is when it is come to. */
  readonly statuses: () => Iterable<ServiceStatus>
  readonly readAll: () => Iterable<ServiceReading>
  /** What this process alone counts, of one service or (null) of all; without those that are not there. */
  readonly figures: (service: string | null) => FiguresByService
  /** Asks the other processes what they count, of one service or (null) of all. */
  readonly gather: (service: string | null) => Promise<void>
  /** Keeps what the evidence said at a turn, for `history`. */
  readonly note: (state: RolloutState, reports: readonly MetricReport[]) => void
  /** Of the rollout that the service has now. */
  readonly history: (service: string) => AttemptHistory | null
}

/** Looks at the services as they are at the moment of the question. */
export function createServiceLook(deps: {
  readonly live: () => LiveServices
  readonly evaluator: () => Pick<
    Evaluator,
    'view' | 'experiment' | 'replicas' | 'replicasOf' | 'deciding' | 'untakenOf' | 'unstoredOf'
  >
  readonly clock: Clock
  /** What is wrong with the gateway itself, a sentence each. */
  readonly trouble: () => readonly string[]
  /** Other processes of this gateway; null = there are none. */
  readonly others: {
    readonly figures: (service: string | null) => Promise<readonly FiguresByService[]>
  } | null
}): ServiceLook {
  const gathered = new Map<string, readonly ServiceFigures[]>()
  const find = (name: string) => {
    const { snapshot, books } = deps.live()
    const runtime = snapshot.runtimes.get(name)
    return runtime === undefined ? null : { ...runtime, book: books.get(name)! }
  }
  type Found = NonNullable<ReturnType<typeof find>>
  const figuresOf = ({ book, targets }: Found) => {
    const now = deps.clock.monotonic()
    return readFigures(book, (variant) => {
      const { upstreams } = targets.get(variant)!
      const healthy = upstreams.filter((upstream) => isHealthy(upstream, now)).length
      return { upstreams: upstreams.length, healthy }
    })
  }
  const read = (name: string): ServiceReading | null => {
    const found = find(name)
    if (found === null) return null
    const { split, book, targets } = found
    const now = deps.clock.monotonic()
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
      view: deps.evaluator().view(name),
      experiment: deps.evaluator().experiment(name),
      upstreams,
    }
  }
  // Labels go to any of the processes on a store, and the one that decides hears of it.
  const silenceOf = ({ service, book }: Found, deciding: Deciding | null) => {
    if (deciding?.lead === 'elsewhere') return null
    const heardAt = deps.evaluator().replicas?.labelledAt.get(service.name) ?? -Infinity
    const agoMs = deps.clock.monotonic() - heardAt
    const now = deps.clock.now()
    return book.labels.silence(now, now - agoMs)
  }
  const status = (name: string): ServiceStatus | null => {
    const found = find(name)
    if (found === null) return null
    // Where nothing is judged nobody else lets old latencies fade.
    found.book.fade()
    const figures = mergeFigures(figuresOf(found), gathered.get(name) ?? [])
    return {
      service: found.service,
      weightsBp: found.split.weightsBp,
      variants: mapEntries(figures.variants, toVariantFigures),
      failingNames: failingNamesOf(found.targets),
      mirrors: mapEntries(figures.mirrors, toMirrorFigures),
      rules: figures.rules.map(toRuleStatus),
      keys: figures.keys,
      rollout: deps.evaluator().view(name),
      experiment: deps.evaluator().experiment(name),
      replicas: deps.evaluator().replicasOf(name),
      deciding: deps.evaluator().deciding(name),
      labelSilence: silenceOf(found, deps.evaluator().deciding(name)),
      trouble: deps.trouble(),
      untaken: deps.evaluator().untakenOf(name),
      unstored: deps.evaluator().unstoredOf(name),
    }
  }
  // A reload may take some of them away before they are come to.
  const eachOf = function* <T>(of: (name: string) => T | null): Iterable<T> {
    for (const name of [...deps.live().snapshot.runtimes.keys()]) {
      const found = of(name)
      if (found !== null) yield found
    }
  }
  const history = new RolloutHistory()
  let noted: LiveServices | null = null
  return {
    status,
    statuses: () => eachOf(status),
    figures: (service) => {
      const names = service === null ? [...deps.live().books.keys()] : [service]
      const found = names.map((name) => [name, find(name)] as const)
      return Object.fromEntries(
        found.flatMap(([name, each]) => (each === null ? [] : [[name, figuresOf(each)]])),
      )
    },
    gather: async (service) => {
      const others = (await deps.others?.figures(service)) ?? []
      for (const name of service === null ? deps.live().books.keys() : [service]) {
        gathered.set(
          name,
          others.flatMap((each) => each[name] ?? []),
        )
      }
    },
    readAll: () => eachOf(read),
    note: (state, reports) => {
      const live = deps.live()
      if (live !== noted) history.keepOnly(live.plans)
      noted = live
      const book = live.books.get(state.service)
      if (book === undefined) return
      // What several processes count nobody knows at each turn, and figures of one alone would be shown as those of all.
      const variants = deps.others === null ? book.variants : NOT_KNOWN
      history.note(state, reports, variants, deps.clock.now())
    },
    history: (name) => {
      const state = deps.evaluator().view(name)?.state
      if (state === undefined || find(name) === null) return null
      return history.read(name, rolloutId(state))
    },
  }
}

const NOT_KNOWN: ServiceBook['variants'] = new Map()

function mapEntries<A, B>(
  from: Readonly<Record<string, A>>,
  change: (value: A) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, change(value)]))
}

function failingNamesOf(
  targets: ReadonlyMap<string, VariantTarget>,
): Readonly<Record<string, readonly FailingName[]>> {
  const found = [...targets].map(([variant, { upstreams }]) => {
    const byHost = new Map(upstreams.map(({ connections }) => [connections.host, connections]))
    const failing = [...byHost].flatMap(([host, { names }]) => names.failing(host) ?? [])
    return [variant, failing] as const
  })
  return Object.fromEntries(found.filter(([, failing]) => failing.length > 0))
}

/** Its checks are good, and it was not left out for failing. */
function isHealthy(upstream: Upstream, now: number): boolean {
  return upstream.health === 'up' && upstream.isAvailable(now)
}
