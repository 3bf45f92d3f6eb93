import type { Prediction } from '../../src/domain/prediction.ts'
import type { PairEvidence } from '../../src/domain/pairs.ts'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import type { Service } from '../../src/domain/service.ts'
import { Evaluator, LOOK_MS } from '../../src/evaluator/evaluator.ts'
import { endPair, type PairFate } from '../../src/metrics/pair-ledger.ts'
import { PairedPredictions } from '../../src/metrics/paired-predictions.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { MemoryStore } from './memory-store.ts'
import { nobodyAnswers } from './simulation.ts'
import { ManualClock } from './simulated-service.ts'

/** A process on the store. */
export type MirrorProcess = { readonly evaluator: Evaluator; readonly book: ServiceBook }

const GOOD: PairFate = {
  ...{ liveFailed: false, copyFailed: false, disagreed: false, liveMs: 20, copyMs: 20 },
  predictions: [10, 10],
}

/** Evaluators on one store and one clock, whose requests are copied in a mirror step; the first decides. */
export class MirrorProcesses {
  readonly clock = new ManualClock()
  readonly store = new MemoryStore()
  readonly errors: unknown[] = []
  readonly all: MirrorProcess[] = []
  readonly #service: Service
  readonly #predictions = new Map<string, Prediction>()
  readonly #halves = new PairedPredictions({
    add: (prediction) => this.#predictions.set(prediction.requestId, prediction),
    find: () => [],
  })
  #requests = 0

  constructor(service: Service) {
    this.#service = service
  }

  async start(): Promise<MirrorProcess> {
    const { clock, store } = this
    const remember = this.#halves.add
    const book = new ServiceBook({ service: this.#service, clock, remember, previous: null })
    const evaluator = new Evaluator({
      ...{ store, clock, holder: `p${this.all.length}`, fetchProvider: nobodyAnswers },
      reachability: () => ({ ready: true, downForMs: 0 }),
      confirm: () => 'not-asked',
      apply: () => {},
      applyWinner: () => {},
      onDecision: () => {},
      onError: (_what, error) => this.errors.push(error),
    })
    await evaluator.add({ plan: buildPlan(this.#service, 'hash')!, book })
    const process = { evaluator, book }
    this.all.push(process)
    return process
  }

  get state(): RolloutState {
    return this.store.records.get('svc')!.state
  }

  /** What the store has of pairs. */
  get pairs(): PairEvidence | undefined {
    return this.store.records.get('svc')!.evidence?.pairs
  }

  /** Time passes, and those of the processes that are named look four times a second. */
  async run(ms: number, looking: readonly MirrorProcess[] = this.all): Promise<void> {
    for (let passed = 0; passed < ms; passed += LOOK_MS) {
      this.clock.ms += LOOK_MS
      for (const { evaluator } of looking) await evaluator.look()
    }
  }

  /** A request and its copy, whose fates are known at once; gives its id. */
  serve(process: MirrorProcess, fate: Partial<PairFate> = {}): string {
    const { id, end } = this.begin(process, fate)
    end()
    return id
  }

  /** The same, with a copy that is under way until `end`. */
  begin(
    { book }: MirrorProcess,
    fate: Partial<PairFate> = {},
  ): { readonly id: string; readonly end: () => void } {
    const none = { suppressed: false, keyMissing: false, overrideRefused: false }
    const id = `r${(this.#requests += 1)}`
    const ticket = book.begin({ variant: 'baseline', reason: 'random', unit: null, ...none }, id)
    const pair = book.mirrors.get('canary')!.ledger!.begin(null)
    ticket.pair = pair
    book.end(ticket, 'ok', 200, 5)
    book.predicted(ticket, 10)
    return { id, end: () => pair !== null && endPair(pair, { ...GOOD, ...fate }) }
  }

  /** A label for a request comes to a process; the true value is 9. */
  async label({ evaluator }: MirrorProcess, id: string): Promise<'joined' | 'late'> {
    const { result, changed } = evaluator.label(this.#predictions.get(id)!, 9)
    if (changed !== null) {
      const tallies = [structuredClone({ service: 'svc', ...changed })]
      await this.store.commitFeedback({ labels: [], events: [], tallies })
    }
    return result
  }
}
