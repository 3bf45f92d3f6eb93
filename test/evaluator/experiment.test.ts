import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { Service } from '../../src/domain/service.ts'
import { Evaluator, LOOK_MS } from '../../src/evaluator/evaluator.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { weightsOf } from '../../src/rollout/experiment.ts'
import { buildExperimentPlan } from '../../src/rollout/experiment-plan.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import {
  ERRORS,
  LATENCY,
  ManualClock,
  RMSE,
  rolloutSpec,
  service,
} from '../fakes/simulated-service.ts'
import { nobodyAnswers } from '../fakes/simulation.ts'

const BY = { actor: 'ops', note: null } as const

/** Three variants at 50, 25 and 25 %. */
function threeWay(
  metrics: readonly MetricSpec[],
  keyed = false,
  weightsBp: Readonly<Record<string, number>> = { b: 2500, c: 2500 },
): Service {
  const base = service(null, keyed)
  const [baseline] = base.variants
  return {
    ...base,
    variants: [
      baseline!,
      { ...baseline!, name: 'b', version: 'B' },
      { ...baseline!, name: 'c', version: 'C' },
    ],
    split: { ...base.split, weightsBp },
    experiment: rolloutSpec({ analysis: { metrics } }).analysis,
  }
}

type Fate = (
  variant: string,
  random: () => number,
) => { readonly outcome?: Outcome; readonly ms?: number; readonly error?: number }

/** The real evaluator and books over drawn traffic, on a virtual clock. */
class World {
  readonly clock = new ManualClock()
  readonly store: MemoryStore
  readonly errors: unknown[] = []
  readonly down = new Set<string>()
  readonly results = { joined: 0, late: 0 }
  winner: string | null = null
  service: Service
  book: ServiceBook
  evaluator: Evaluator
  readonly #random = createRandom(11)
  readonly #predictions: Prediction[] = []
  #count = 0

  constructor(configured: Service, store = new MemoryStore()) {
    this.service = configured
    this.store = store
    this.book = this.#buildBook(null)
    this.evaluator = this.#newEvaluator()
  }

  static async begin(configured: Service, store?: MemoryStore): Promise<World> {
    const world = new World(configured, store)
    await world.evaluator.addExperiment(world.experiment)
    return world
  }

  get experiment() {
    return { plan: buildExperimentPlan(this.service, 'hash')!, book: this.book }
  }

  get view() {
    return this.evaluator.experiment('svc')!
  }

  verdicts(): Record<string, string> {
    return Object.fromEntries(this.view.comparisons.map((c) => [c.variant, c.verdict]))
  }

  async reload(configured: Service): Promise<void> {
    this.service = configured
    this.book = this.#buildBook(this.book)
    await this.evaluator.reconfigureExperiments([this.experiment], 'configuration')
  }

  /** The process dies and another one takes over, once the lease has run out. */
  async restart(): Promise<void> {
    this.clock.ms += 6000
    this.book = this.#buildBook(null)
    this.winner = null
    this.evaluator = this.#newEvaluator()
    await this.evaluator.addExperiment(this.experiment)
  }

  async run(seconds: number, fate: Fate, rps = 2000): Promise<void> {
    const end = this.clock.ms + seconds * 1000
    while (this.clock.ms < end) {
      await this.evaluator.look()
      const labels: [Prediction, number][] = []
      for (let i = 0; i < (rps * LOOK_MS) / 1000; i++) this.#request(fate, labels)
      this.clock.ms += LOOK_MS
      for (const [prediction, label] of labels) {
        this.results[this.evaluator.label(prediction, label).result]++
      }
    }
    await this.evaluator.look()
  }

  #request(fate: Fate, labels: [Prediction, number][]): void {
    const keyed = this.service.split.key !== null
    const unit = keyed ? Math.floor(this.#random() * 2 ** 32) : null
    const weights = weightsOf(this.service.split, this.winner)
    const [toB = 0, toC = 0] = [weights['b'], weights['c']]
    const place = this.#random() * 10_000
    const variant = place < toB ? 'b' : place < toB + toC ? 'c' : 'baseline'
    const { outcome = 'ok', ms = 20, error } = fate(variant, this.#random)
    const ticket = this.book.begin(
      {
        ...{ variant, reason: keyed ? 'key' : 'random', unit },
        ...{ suppressed: false, keyMissing: false, overrideRefused: false },
      },
      `r${this.#count++}`,
      this.clock.monotonic(),
    )
    this.book.head(ticket, this.clock.ms + ms)
    this.book.end(ticket, outcome, outcome === 'ok' ? 200 : 500, ms, this.clock.ms + ms)
    this.book.predicted(ticket, 1)
    const prediction = this.#predictions.pop()!
    if (error !== undefined && prediction.cohort !== -1) labels.push([prediction, 1 + error])
  }

  #buildBook(previous: ServiceBook | null): ServiceBook {
    return new ServiceBook({
      service: this.service,
      clock: this.clock,
      remember: (prediction) => this.#predictions.push(prediction),
      previous,
    })
  }

  #newEvaluator(): Evaluator {
    return new Evaluator({
      store: this.store,
      clock: this.clock,
      holder: `world ${this.clock.ms}`,
      reachability: (_service, variant) => ({ ready: !this.down.has(variant), downForMs: 0 }),
      fetchProvider: nobodyAnswers,
      confirm: () => 'not-asked',
      apply: () => {},
      applyWinner: (_service, winner) => (this.winner = winner),
      onDecision: () => {},
      onError: (_what, error) => this.errors.push(error),
    })
  }
}

for (const keyed of [false, true]) {
  t.test(
    `each challenger is judged on its own, ${keyed ? 'by key' : 'without keys'}`,
    async (t) => {
      const world = await World.begin(threeWay([ERRORS], keyed))
      await world.run(40, (variant, random) => ({
        outcome:
          random() < { b: 0.01, c: 0.3 }[variant]! || (variant === 'baseline' && random() < 0.1)
            ? 'failed'
            : 'ok',
      }))
      t.same(world.verdicts(), { b: 'better', c: 'worse' })
      t.equal(world.winner, null, 'nothing is moved by the evidence')
      t.same(world.store.log, [])
      const [b] = world.view.comparisons
      t.match(b, { expectedShare: 1 / 3 })
      const [errors] = b!.metrics
      t.ok(errors!.report.ratio!.upper < 1)
      t.ok(Math.abs(b!.units.challenger / (b!.units.challenger + b!.units.baseline) - 1 / 3) < 0.02)
      t.same(world.errors, [])
    },
  )
}

t.test('labels reach all comparisons of their request; latency is compared too', async (t) => {
  const world = await World.begin(threeWay([RMSE, LATENCY]))
  await world.run(60, (variant, random) => ({
    error: 3 * Math.sqrt(3) * random() * (variant === 'b' ? 0.5 : 1),
    ms: (20 + 20 * random()) * (variant === 'c' ? 2 : 1),
  }))
  const words = world.view.comparisons.map((c) =>
    Object.fromEntries(c.metrics.map((m) => [m.report.name, m.verdict])),
  )
  t.match(words[0], { rmse: 'better', 'rmse/label-missing': null, 'no-answer': null })
  t.match(words[1], { latency: 'worse' })
  t.ok(world.results.joined > 50_000)
  t.equal(world.results.late, 0)
})

t.test(
  'a winner has all of the traffic, over restart and reload, until it is undone',
  async (t) => {
    const configured = threeWay([ERRORS])
    const world = await World.begin(configured)
    await world.run(10, () => ({}))
    const promote = {
      verb: 'promote',
      full: false,
      variant: 'b',
      actor: 'ana',
      note: 'it sells',
    } as const
    const done = await world.evaluator.command('svc', promote, world.view.state.revision)
    t.match(done, { ok: true, decision: { action: 'promote', actor: 'ana', note: 'it sells' } })
    t.equal(world.winner, 'b')
    t.same(world.store.log.at(-1)!.to, {
      phase: 'promoted',
      step: 0,
      weights: { baseline: 0, b: 100, c: 0 },
    })
    const units = world.view.comparisons[0]!.units
    await world.run(5, () => ({}))
    t.match(await world.evaluator.command('svc', { ...promote }, null), {
      ok: true,
      decision: null,
    })
    await world.restart()
    t.equal(world.winner, 'b')
    t.equal(world.view.winner, 'b')
    await world.run(2, () => ({}))
    await world.reload({ ...configured, notify: [] })
    t.equal(world.winner, 'b')
    t.equal(world.view.lastDecision!.note, 'it sells')
    t.match(await world.evaluator.command('svc', { verb: 'undo', ...BY }, 99), {
      code: 'SERIN_STALE_REVISION',
    })
    t.match(await world.evaluator.command('svc', { verb: 'undo', ...BY }, null), {
      decision: {
        action: 'undo',
        from: { weights: { b: 100 } },
        to: { weights: { baseline: 50 } },
      },
    })
    t.equal(world.winner, null)
    await world.run(10, () => ({}))
    t.ok(world.view.comparisons[0]!.units.baseline > units.baseline, 'the evidence goes on')
    t.same(world.errors, [])
  },
)

t.test('evidence survives a restart; other versions begin it anew', async (t) => {
  const configured = threeWay([ERRORS], true)
  const world = await World.begin(configured)
  await world.run(20, () => ({}))
  const before = world.view.comparisons[1]!.units
  await world.restart()
  t.ok(world.view.comparisons[1]!.units.baseline >= before.baseline - 4000)
  t.ok(world.view.comparisons[1]!.units.baseline > 10_000)
  const [baseline, b, c] = configured.variants
  await world.run(1, () => ({}))
  await world.reload({ ...configured, variants: [baseline!, b!, { ...c!, version: 'D' }] })
  t.equal(world.view.id, '1.4 vs B vs D#2')
  t.same(world.view.comparisons[0]!.units, { baseline: 0, challenger: 0 })
  await world.evaluator.reconfigureExperiments([], 'configuration')
  t.equal(world.evaluator.experiment('svc'), null)
  await world.evaluator.stop()
  t.same(world.errors, [])
})

t.test('another split in the configuration ends a winner, and the log says so', async (t) => {
  const world = await World.begin(threeWay([ERRORS]))
  await world.run(1, () => ({}))
  await world.evaluator.command('svc', { verb: 'promote', full: false, variant: 'c', ...BY }, null)
  await world.reload(threeWay([ERRORS], false, { b: 1000, c: 2000 }))
  t.equal(world.winner, null)
  t.match(world.store.log.at(-1), {
    action: 'undo',
    actor: 'configuration',
    from: { phase: 'promoted', weights: { c: 100 } },
    to: { phase: 'progressing', weights: { baseline: 70 } },
  })
})

t.test('what cannot be carried out is refused', async (t) => {
  const world = await World.begin(threeWay([ERRORS]))
  const promote = { verb: 'promote', full: false, variant: 'b', ...BY } as const
  t.match(await world.evaluator.command('svc', promote, null), { detail: /holds the lease/ })
  await world.run(1, () => ({}))
  world.down.add('b')
  t.match(await world.evaluator.command('svc', promote, null), { detail: /can be reached/ })
  world.store.fails = true
  const full = { ...promote, full: true }
  t.match(await world.evaluator.command('svc', full, null), { code: 'SERIN_STORE_FAILED' })
  t.equal(world.winner, null)
  world.store.fails = false
  t.match(await world.evaluator.command('svc', full, null), { ok: true })
  t.equal(world.winner, 'b')
})
