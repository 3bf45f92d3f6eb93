import type { Clock } from '../../../src/domain/clock.ts'
import type { Decision } from '../../../src/domain/decision.ts'
import type { Service } from '../../../src/domain/service.ts'
import { Evaluator } from '../../../src/evaluator/evaluator.ts'
import { createFeedbackJoin } from '../../../src/feedback/join.ts'
import { parseFeedback } from '../../../src/feedback/parse.ts'
import { ServiceBook } from '../../../src/metrics/service-recorder.ts'
import { buildExperimentPlan } from '../../../src/rollout/experiment-plan.ts'
import { buildPlan } from '../../../src/rollout/plan.ts'
import { openLmdbStore } from '../../../src/store/lmdb-store.ts'
import { createPredictionBuffer } from '../../../src/store/prediction-buffer.ts'
import { nobodyAnswers } from '../../fakes/simulation.ts'

/** What became of a line of feedback. */
export type Told = 'joined' | 'late' | 'duplicate' | 'unmatched' | 'rejected'

export type SharedStore = Awaited<ReturnType<typeof openStore>>

/** A store that gateways share. */
export function openStore(path: string) {
  return openLmdbStore({
    ...{ path, maxBytes: 2 ** 28, maxPending: 1e6, retentionMs: 1e9 },
    log: { info: () => {}, warn: () => {} },
  })
}

export type GatewayDeps = {
  readonly service: Service
  readonly store: SharedStore
  readonly clock: Clock
  readonly name: string
  readonly onDecision: (decision: Decision) => void
  readonly onError: (error: unknown) => void
}

/** The judging half of a gateway, with all that feedback goes through. */
export class Gateway {
  readonly name: string
  readonly evaluator: Evaluator
  readonly book: ServiceBook
  readonly buffer: ReturnType<typeof createPredictionBuffer>
  weightBp = 0
  readonly #add: () => Promise<void>
  readonly #join

  constructor({ service, store, clock, name, onDecision, onError }: GatewayDeps) {
    this.name = name
    const experiment = buildExperimentPlan(service, 'hash')
    const plan = experiment?.comparisons[0]!.plan ?? buildPlan(service, 'hash')!
    this.buffer = createPredictionBuffer({ store, onError })
    this.book = new ServiceBook({ service, clock, remember: this.buffer.add, previous: null })
    this.evaluator = new Evaluator({
      ...{ store, clock, holder: name, onDecision, fetchProvider: nobodyAnswers },
      onError: (_what, error) => onError(error),
      reachability: () => ({ ready: true, downForMs: 0 }),
      confirm: () => 'not-asked',
      apply: ({ weightBp }) => (this.weightBp = weightBp),
      applyWinner: () => {},
    })
    this.#join = createFeedbackJoin({
      ...{ buffer: this.buffer, store, clock, services: () => ['svc'], count: () => {} },
      countRefused: () => {},
      eventFields: () => plan.eventFields,
      bookLabel: (prediction, label) => this.evaluator.label(prediction, label),
      showLabel: () => true,
      bookEvent: this.evaluator.event,
      later: () => {},
    })
    const { book, evaluator } = this
    this.#add = () =>
      experiment === null
        ? evaluator.add({ plan, book })
        : evaluator.addExperiment({ plan: experiment, book })
  }

  async start(): Promise<void> {
    await this.#add()
  }

  /** Posts one line. */
  async post(line: object): Promise<Told> {
    const report = await this.#join.accept(
      parseFeedback(JSON.stringify(line), 'application/x-ndjson'),
    )
    const told = (['joined', 'late', 'duplicate', 'unmatched'] as const).find(
      (of) => report[of] > 0,
    )
    return told ?? 'rejected'
  }

  async stop(): Promise<void> {
    await this.buffer.close()
    await this.evaluator.stop()
  }
}
