import type { Comparison } from '../../../src/domain/comparison.ts'
import type { ExperimentCase } from './experiment-cases.ts'
import { openStore, type SharedStore } from './gateway.ts'
import type { Folded, Frame, History } from './history.ts'
import { Drive } from './traffic.ts'

/** What a look left behind of a challenger. */
export type SeenComparison = {
  readonly at: number
  readonly variant: string
  readonly folded: Folded
  readonly ratio: { readonly foldedThrough: number; readonly sup: number }
  readonly shown: ReturnType<typeof copyComparison>
}

/** A fixed split on gateways of the product, with drawn traffic. */
export class ExperimentWorld {
  readonly drive: Drive
  readonly seen: SeenComparison[] = []
  readonly #store: SharedStore

  private constructor(life: ExperimentCase, store: SharedStore) {
    this.#store = store
    this.drive = new Drive(life, store, {
      variantAt: (place) => variantAt(place, life.weights),
      note: () => this.#note(),
      isOver: () => false,
      resumes: () => false,
    })
  }

  static async open(life: ExperimentCase, path: string): Promise<ExperimentWorld> {
    const world = new ExperimentWorld(life, await openStore(path))
    await world.drive.start()
    return world
  }

  /** That of a challenger: the requests that were drawn for it or the baseline. */
  async history(challenger: string): Promise<History> {
    const all = { after: 0, limit: 1e6 }
    const { evidence } = (await this.#store.readRollout(`svc/${challenger}`))!
    const name = `svc/${challenger}`
    const frames: readonly Frame[] = await this.#store.archivedCohorts(name, evidence!.rollout, all)
    const requests = this.drive.served.flatMap(({ variant, request, ticket }) => {
      if (variant !== 'baseline' && variant !== challenger) return []
      const place = ticket.compared.find((each) => each.challenger === challenger)?.ticket
      const isFirst = () => place?.cohort?.judged === true && place.first
      const side: 0 | 1 = variant === 'baseline' ? 0 : 1
      return [{ ...request, side, cohort: place?.cohort?.number ?? null, isFirst }]
    })
    const own = this.seen.filter(({ variant }) => variant === challenger)
    const foldedAt = new Map(own.map(({ at, folded }) => [at, folded]))
    return { requests, frames, foldedAt, decidedAt: new Set(), restartedAt: null }
  }

  async #note(): Promise<void> {
    const { leader, clock } = this.drive
    for (const comparison of leader?.evaluator.experiment('svc')?.comparisons ?? []) {
      const { variant } = comparison
      const evidence = (await this.#store.readRollout(`svc/${variant}`))?.evidence
      if (evidence == null) continue
      const { hypotheses, ratio } = evidence
      const through = Object.entries(hypotheses).map(([id, found]) => [id, found.foldedThrough])
      const folded = Object.fromEntries(through) as Folded
      const shown = copyComparison(comparison)
      this.seen.push({ at: clock.ms, variant, folded, ratio, shown })
    }
  }
}

function variantAt(place: number, weights: ExperimentCase['weights']): string {
  let rest = 100 * place
  for (const [name, weight] of Object.entries(weights)) {
    if (rest < weight) return name
    rest -= weight
  }
  return 'baseline'
}

function copyComparison({ verdict, metrics, units, expectedShare, ratioMismatch }: Comparison) {
  const copied = metrics.map(({ report, verdict: said, superiority, differs }) => {
    const { name, baseline, canary, ratio, evidence } = report
    const { harm, nonInferiority } = evidence
    const told = { verdict: said, superiority, differs: differs ?? null }
    return { name, baseline, canary, ratio, harm, nonInferiority, ...told }
  })
  return { verdict, metrics: copied, units, expectedShare, ratioMismatch }
}
