import type { RolloutState } from '../../src/domain/rollout-state.ts'
import type { Service } from '../../src/domain/service.ts'
import { Evaluator } from '../../src/evaluator/evaluator.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { MemoryStore } from './memory-store.ts'
import { quickService } from './quick-rollout.ts'
import { ERRORS, ManualClock, weightSteps } from './simulated-service.ts'
import { nobodyAnswers } from './simulation.ts'

/** The service that they share. */
export const SERVICE = quickService({
  spec: { steps: weightSteps([50, 100], 1e6) },
  analysis: { metrics: [ERRORS] },
})

/** Evaluators on one store and one clock; the first decides. */
export class Processes {
  readonly clock = new ManualClock()
  readonly store = new MemoryStore()
  readonly errors: unknown[] = []
  readonly unstored: string[] = []
  readonly all: Process[] = []

  async start(service: Service = SERVICE): Promise<Process> {
    const { clock, store } = this
    const seen: string[] = []
    const process: Process = {
      seen,
      weightBp: -1,
      book: new ServiceBook({ service, clock, remember: () => {}, previous: null }),
      evaluator: new Evaluator({
        ...{ store, clock, holder: `p${this.all.length}`, fetchProvider: nobodyAnswers },
        reachability: () => ({ ready: true, downForMs: 0 }),
        confirm: () => 'not-asked',
        apply: (state: RolloutState) => (process.weightBp = state.weightBp),
        applyWinner: () => {},
        onDecision: () => {},
        onUnstored: async (name, { verb }) => void this.unstored.push(`${verb} ${name}`),
        onReplicas: ({ others, differing }) =>
          seen.push(`${others} ${differing.map(({ services }) => services.join()).join()}`),
        onError: (_what, error) => this.errors.push(error),
      }),
    }
    await process.evaluator.add({ plan: buildPlan(service, 'hash')!, book: process.book })
    this.all.push(process)
    return process
  }

  /** Time passes, and those of the processes that are named look four times a second. */
  async run(ms: number, looking: readonly Process[] = this.all): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      this.clock.ms += 250
      for (const { evaluator } of looking) await evaluator.look()
    }
  }
}

export type Process = {
  readonly evaluator: Evaluator
  readonly book: ServiceBook
  readonly seen: string[]
  weightBp: number
}
