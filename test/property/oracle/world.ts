import { rolloutId, type RolloutState } from '../../../src/domain/rollout-state.ts'
import type { MetricReport } from '../../../src/domain/verdict.ts'
import type { Case } from './cases.ts'
import { openStore, type SharedStore } from './gateway.ts'
import type { Folded, Frame, History } from './history.ts'
import { Drive } from './traffic.ts'

/** What a look left behind. */
export type Seen = {
  readonly at: number
  readonly state: RolloutState
  readonly folded: Folded
  readonly ratio: { readonly foldedThrough: number; readonly sup: number }
  /** Null: nothing was folded since the look before. */
  readonly metrics: readonly SeenReport[] | null
  /** How metrics stand against absolute limits, and what their measurements come to. */
  readonly counted: readonly SeenCounted[]
  /** Which process decided, and what each gives the canary, in basis points. */
  readonly leader: string
  readonly weights: Readonly<Record<string, number>>
}

/** A rollout on gateways of the product, with drawn traffic; and what became of all requests. */
export class World {
  readonly drive: Drive
  readonly seen: Seen[] = []
  readonly #life: Case
  readonly #store: SharedStore
  readonly #foldedAt = new Map<number, Folded>()

  private constructor(life: Case, store: SharedStore) {
    this.#life = life
    this.#store = store
    this.drive = new Drive(life, store, {
      variantAt: (place, weightBp, elapsedMs) => {
        const { from = Infinity, to = 0, times = 1 } = life.skew ?? {}
        const isSkewed = from <= elapsedMs && elapsedMs < to
        return place * 10_000 < weightBp * (isSkewed ? times : 1) ? 'canary' : 'baseline'
      },
      resumes: () => this.#resumes,
      note: () => this.#note(),
      isOver: () => this.#isOver,
    })
  }

  static async open(life: Case, path: string): Promise<World> {
    const world = new World(life, await openStore(path))
    await world.drive.start()
    return world
  }

  async history(): Promise<History> {
    const rollout = rolloutId(this.seen.at(-1)!.state)
    const all = { after: 0, limit: 1e6 }
    const frames: readonly Frame[] = await this.#store.archivedCohorts('svc', rollout, all)
    const { served, decisions, restartedAt } = this.drive
    const requests = served.map(({ request }) => request)
    const made = decisions.filter(({ action }) => action !== 'hold')
    const decidedAt = new Set(made.map(({ at }) => at))
    return { requests, frames, foldedAt: this.#foldedAt, decidedAt, restartedAt }
  }

  get #resumes(): boolean {
    const state = this.drive.leader?.evaluator.view('svc')?.state
    const { resumesAfterMs = Infinity } = this.#life
    return state?.phase === 'paused' && this.drive.clock.ms - state.pausedAt >= resumesAfterMs
  }

  get #isOver(): boolean {
    const phase = this.seen.at(-1)?.state.phase
    const isCompared = phase === 'progressing' || phase === 'watching' || phase === 'paused'
    // Without a holdback nothing is compared in a watch.
    const { holdbackBp } = this.#life.service.rollout!
    return phase !== undefined && (!isCompared || (phase === 'watching' && holdbackBp === 0))
  }

  async #note(): Promise<void> {
    const at = this.drive.clock.ms
    const { leader } = this.drive
    const view = leader?.evaluator.view('svc')
    const evidence = (await this.#store.readRollout('svc'))?.evidence
    if (evidence == null || view == null || leader === undefined) return
    const { hypotheses, ratio } = evidence
    const through = Object.entries(hypotheses).map(([id, found]) => [id, found.foldedThrough])
    const folded = Object.fromEntries(through) as Folded
    const before = this.seen.at(-1)?.folded ?? {}
    const isNews = Object.keys(folded).some((id) => folded[id] !== before[id])
    const metrics = isNews ? view.metrics.map(copyReport) : null
    this.#foldedAt.set(at, folded)
    const counted = view.metrics.map(copyCounted)
    const weights = Object.fromEntries(
      this.drive.gateways.map(({ name, weightBp }) => [name, weightBp]),
    )
    const { state } = view
    this.seen.push({ at, state, folded, ratio, metrics, counted, weights, leader: leader.name })
  }
}

/** What is compared of a report, whose parts are made when they are asked for. */
export type SeenReport = ReturnType<typeof copyReport>

function copyReport({ name, verdict, baseline, canary, ratio, evidence, drift }: MetricReport) {
  const { harm, nonInferiority, stepNonInferiority } = evidence
  return { name, verdict, baseline, canary, ratio, harm, nonInferiority, stepNonInferiority, drift }
}

/** What is compared of a report that no evidence decides. */
export type SeenCounted = ReturnType<typeof copyCounted>

function copyCounted({ name, verdict, limit, threshold, baseline, canary }: MetricReport) {
  return { name, verdict, limit, threshold, baseline, canary }
}
