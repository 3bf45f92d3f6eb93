import type { CommandResult } from '../../../src/admin/admin-deps.ts'
import type { ServiceStatus, VariantFigures } from '../../../src/admin/service-status.ts'
import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { Command, Decision } from '../../../src/domain/decision.ts'
import type { MetricSpec, RolloutSpec } from '../../../src/domain/rollout-spec.ts'
import { rolloutId } from '../../../src/domain/rollout-state.ts'
import { RolloutHistory, type AttemptHistory } from '../../../src/metrics/rollout-history.ts'
import type { VariantBook } from '../../../src/metrics/variant-book.ts'
import { rolloutSpec, service } from '../../fakes/simulated-service.ts'
import { Simulation, type Fate } from '../../fakes/simulation.ts'

/** A rollout that is simulated up to a moment, and on from there. */
export type Script = {
  readonly name: string
  readonly versions: readonly [baseline: string, canary: string]
  readonly seed: number
  readonly rps: number
  /** How long it has run when it is first looked at. */
  readonly seconds: number
  readonly spec?: Partial<RolloutSpec>
  readonly analysis?: Partial<RolloutSpec['analysis']>
  readonly metrics: readonly MetricSpec[]
  readonly fate: (variant: string, random: () => number, elapsedMs: number) => Partial<Fate>
  readonly isReachable?: (variant: string, elapsedMs: number) => boolean
}

const GOOD: Fate = { outcome: 'ok', latencyMs: 20, error: null, labelAfterMs: 500 }

/** One service of a stage: the real evaluator over drawn traffic, behind the admin API. */
export class SimulatedService {
  readonly name: string
  readonly #simulation: Simulation
  readonly #history: RolloutHistory
  readonly #script: Script

  private constructor(script: Script, simulation: Simulation, history: RolloutHistory) {
    this.name = script.name
    this.#script = script
    this.#simulation = simulation
    this.#history = history
  }

  /** Begins a rollout so that the script's time is over at `now`, and runs it up to there. */
  static async begin(script: Script, now: number): Promise<SimulatedService> {
    const { name, spec, analysis, metrics, rps, fate, isReachable, seconds } = script
    const random = createRandom(script.seed)
    const history = new RolloutHistory()
    const simulation: Simulation = await Simulation.create({
      service: service(
        rolloutSpec({ spec: { ...spec }, analysis: { ...analysis, metrics } }),
        false,
      ),
      ...{ random, rps, keys: 0, start: now - seconds * 1000 },
      fate: (variant, elapsedMs) => ({ ...GOOD, ...fate(variant, random, elapsedMs) }),
      ...(isReachable === undefined ? {} : { reachable: isReachable }),
      onTurn: (state, reports) => {
        const { book, clock } = simulation
        history.note({ ...state, service: name }, reports, book.variants, clock.ms)
      },
    })
    const begun = new SimulatedService(script, simulation, history)
    await begun.run(seconds * 1000)
    return begun
  }

  get now(): number {
    return this.#simulation.clock.ms
  }

  async run(ms: number): Promise<void> {
    await this.#simulation.run(ms, () => false)
    await this.#simulation.evaluator.look()
  }

  history = (): AttemptHistory | null => {
    const found = this.#history.read(this.name, rolloutId(this.#simulation.state))
    return found === null ? null : { ...found, rollout: this.#namedRollout(found.rollout) }
  }

  decisions = async (page: {
    readonly after: number
    readonly limit: number
  }): Promise<readonly Decision[]> =>
    (await this.#simulation.store.decisions('svc', page)).map((decision) => this.#named(decision))

  async command(command: Command, ifMatch: number | null): Promise<CommandResult> {
    const result = (await this.#simulation.evaluator.command('svc', command, ifMatch))!
    if (!result.ok) return result
    const { decision } = result
    const named = decision === null ? null : this.#named(decision)
    return { ok: true, decision: named, pending: null, status: this.status() }
  }

  status(): ServiceStatus {
    const { book, evaluator, weightBp } = this.#simulation
    const view = evaluator.view('svc')!
    const [baseline, canary] = this.#script.versions
    const { lastDecision } = view
    return {
      service: {
        ...book.service,
        name: this.name,
        variants: book.service.variants.map((variant) => ({
          ...variant,
          version: variant.name === 'canary' ? canary : baseline,
        })),
      },
      weightsBp: { baseline: 10_000 - weightBp, canary: weightBp },
      variants: Object.fromEntries(
        [...book.variants].map(([name, each]) => [name, this.#figuresOf(name, each)]),
      ),
      failingNames: {},
      mirrors: {},
      rules: [],
      keys: { requests: book.draws.begun, missing: book.draws.unkeyed },
      experiment: null,
      replicas: null,
      deciding: null,
      labelSilence: null,
      trouble: [],
      untaken: null,
      unstored: null,
      rollout: {
        ...view,
        state: { ...view.state, baselineVersion: baseline, canaryVersion: canary },
        etaSeconds: view.etaSeconds,
        lastDecision: lastDecision === null ? null : this.#named(lastDecision),
      },
    }
  }

  // The simulated versions are always 1.4 and 2.0.
  #named(decision: Decision): Decision {
    const [baseline, canary] = this.#script.versions
    return {
      ...decision,
      service: this.name,
      rollout: this.#namedRollout(decision.rollout),
      summary: decision.summary.replaceAll(/\b1\.4\b/g, baseline).replaceAll(/\b2\.0\b/g, canary),
    }
  }

  #namedRollout(rollout: string): string {
    const [baseline, canary] = this.#script.versions
    return rollout.replace('1.4', baseline).replace('2.0', canary)
  }

  #figuresOf(name: string, book: VariantBook): VariantFigures {
    const { requests, errors, rejected, left, inFlight, drawn } = book
    const isUp = this.#script.isReachable?.(name, this.#simulation.elapsedMs) ?? true
    return {
      ...{ requests, errors, rejected, left, inFlight, upstreams: 2, healthy: isUp ? 2 : 0 },
      p50Ms: drawn.quantile(0.5),
      p95Ms: drawn.quantile(0.95),
      p99Ms: drawn.quantile(0.99),
    }
  }
}
