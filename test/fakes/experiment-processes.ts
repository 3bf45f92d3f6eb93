import type { EventEvidence } from '../../src/domain/evidence.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import type { Service } from '../../src/domain/service.ts'
import { Evaluator, LOOK_MS } from '../../src/evaluator/evaluator.ts'
import type { Ticket } from '../../src/metrics/recorder.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { MemoryStore } from './memory-store.ts'
import { ManualClock } from './simulated-service.ts'
import { nobodyAnswers } from './simulation.ts'

/** A process on the store. */
export type ExperimentProcess = {
  readonly evaluator: Evaluator
  readonly book: ServiceBook
  readonly predictions: Prediction[]
  winner: string | null
}

/** By turns: two for the baseline, one for each challenger. */
const VARIANTS = ['baseline', 'b', 'baseline', 'c'] as const

/** The variant that a key sticks to. */
export function variantOf(key: number): string {
  return VARIANTS[key % 4]!
}

/** Evaluators on one store and one clock, with the same experiment of three variants; the first decides. */
export class ExperimentProcesses {
  readonly clock = new ManualClock()
  readonly store = new MemoryStore()
  readonly errors: unknown[] = []
  readonly all: ExperimentProcess[] = []
  readonly #service: Service
  #requests = 0

  constructor(service: Service) {
    this.#service = service
  }

  async start(service = this.#service): Promise<ExperimentProcess> {
    const { clock, store } = this
    const predictions: Prediction[] = []
    const remember = (prediction: Prediction) => predictions.push(prediction)
    const process: ExperimentProcess = {
      predictions,
      winner: null,
      book: new ServiceBook({ service, clock, remember, previous: null }),
      evaluator: new Evaluator({
        ...{ store, clock, holder: `p${this.all.length}`, fetchProvider: nobodyAnswers },
        reachability: () => ({ ready: true, downForMs: 0 }),
        confirm: () => 'not-asked',
        apply: () => {},
        applyWinner: (_service, winner) => (process.winner = winner),
        onDecision: () => {},
        onError: (_what, error) => this.errors.push(error),
      }),
    }
    const plan = buildExperimentPlan(service, 'hash')!
    await process.evaluator.addExperiment({ plan, book: process.book })
    this.all.push(process)
    return process
  }

  /** Goes on under another configuration. */
  async reload(process: ExperimentProcess, service: Service): Promise<void> {
    const { clock } = this
    const { predictions, book: previous } = process
    const remember = (prediction: Prediction) => predictions.push(prediction)
    const book = new ServiceBook({ service, clock, remember, previous })
    Object.assign(process, { book })
    const plan = buildExperimentPlan(service, 'other')!
    await process.evaluator.reconfigureExperiments([{ plan, book }], 'configuration')
  }

  async run(ms: number, looking: readonly ExperimentProcess[] = this.all): Promise<void> {
    for (let passed = 0; passed < ms; passed += LOOK_MS) {
      this.clock.ms += LOOK_MS
      for (const { evaluator } of looking) await evaluator.look()
    }
  }

  /** Requests without a key in rounds of four: two for the baseline, one for each challenger. */
  serve(process: ExperimentProcess, rounds: number): void {
    for (let n = 0; n < rounds; n++) {
      for (const variant of VARIANTS) this.end(process, this.begin(process, variant, null))
    }
  }

  /** A request of each key, answered at once. */
  serveKeys(process: ExperimentProcess, keys: readonly number[], outcome: Outcome = 'ok'): void {
    for (const key of keys) this.end(process, this.begin(process, variantOf(key), key), outcome)
  }

  begin({ book }: ExperimentProcess, variant: string, unit: number | null): Ticket {
    const none = { suppressed: false, keyMissing: false, overrideRefused: false }
    const reason = unit === null ? 'random' : 'key'
    return book.begin({ variant, reason, unit, ...none }, `r${this.#requests++}`)
  }

  /** Its answer, where it is a good one, predicts 1 and has these numbers, by pointer. */
  end(
    { book }: ExperimentProcess,
    ticket: Ticket,
    outcome: Outcome = 'ok',
    numbers: Readonly<Record<string, number>> = {},
  ): void {
    const isGood = outcome === 'ok'
    book.end(ticket, outcome, isGood ? 200 : 500, 5)
    book.predicted(ticket, isGood ? 1 : null, isGood ? numbers : {})
  }

  /** What one has served since the last time is labelled on another one. */
  async label(
    served: ExperimentProcess,
    { evaluator }: ExperimentProcess,
    label = 3,
  ): Promise<readonly string[]> {
    const results: string[] = []
    for (const prediction of served.predictions.splice(0)) {
      if (prediction.cohort === -1) continue
      const { result, alsoChanged } = evaluator.label(prediction, label)
      results.push(result)
      await this.store.commitFeedback({
        labels: [],
        events: [],
        tallies: structuredClone(alsoChanged ?? []),
      })
    }
    return results
  }
}

/** Units, and labels that came and that did not, of each challenger's comparison: [baseline, challenger]. */
export function counts({ store }: ExperimentProcesses, { evaluator }: ExperimentProcess) {
  return Object.fromEntries(
    evaluator.experiment('svc')!.comparisons.map(({ variant, units }) => {
      const { hypotheses } = store.records.get(`svc/${variant}`)!.evidence!
      const { trials, events } = hypotheses['rmse/label-missing'] as EventEvidence
      return [variant, { units: [units.baseline, units.challenger], trials, missing: events }]
    }),
  )
}

/** One that decides, and another one that it knows of. */
export async function startTwo(service: Service) {
  const world = new ExperimentProcesses(service)
  const leader = await world.start()
  await world.run(2000)
  const follower = await world.start()
  await world.run(4000)
  return { world, leader, follower }
}
