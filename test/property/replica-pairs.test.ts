import t from 'tap'
import { isLabelTest, type PairTally } from '../../src/domain/pairs.ts'
import type { Evidence } from '../../src/domain/evidence.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import type { MetricSpec, MirrorStepSpec } from '../../src/domain/rollout-spec.ts'
import { CohortCycle } from '../../src/evaluator/cohort-cycle.ts'
import { Following } from '../../src/evaluator/following.ts'
import { ReplicaVoice } from '../../src/evaluator/replica-voice.ts'
import { ReplicaWatch } from '../../src/evaluator/replica-watch.ts'
import { PairLabels } from '../../src/metrics/pair-labels.ts'
import {
  endPair,
  PairLedger,
  type PairFate,
  type PairTicket,
} from '../../src/metrics/pair-ledger.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { foldPairLabels, foldPairs } from '../../src/rollout/fold-pairs.ts'
import { isEmptyPairTally } from '../../src/rollout/pair-tally.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { planOf, state } from '../fakes/rollout.ts'
import { NOTHING_ELSE } from '../fakes/silent-follower.ts'
import {
  ERRORS,
  LATENCY,
  ManualClock,
  RMSE,
  rolloutSpec,
  service,
  weightSteps,
} from '../fakes/simulated-service.ts'
import { sampleCohort } from '../store/samples.ts'
import { fc } from '../support/fast-check.ts'

const number = fc.option(fc.integer({ min: 0, max: 40 }), { freq: 19 })
const fate = fc.record<PairFate>({
  liveFailed: fc.boolean(),
  copyFailed: fc.boolean(),
  disagreed: fc.option(fc.boolean()),
  liveMs: fc.option(fc.integer({ min: 1, max: 50 })),
  copyMs: fc.option(fc.integer({ min: 1, max: 60 })),
  predictions: fc.option(fc.tuple(number, number), { freq: 19 }),
})
const copy = fc.record({
  at: fc.nat(),
  gold: fc.boolean(),
  /** Null: the client left. */
  fate: fc.option(fate, { freq: 9 }),
  label: number,
  labelledAt: fc.nat(),
  endsLate: fc.boolean(),
})
type Copy = typeof copy extends fc.Arbitrary<infer T> ? T : never

const interval = fc.record({
  copies: fc.array(copy, { minLength: 15, maxLength: 30 }),
  judged: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.constant(false)),
  /** Who says and hears nothing in this interval. */
  silent: fc.nat(),
})
type Interval = typeof interval extends fc.Arbitrary<infer T> ? T : never

const DISAGREEMENT: MetricSpec = {
  ...{ name: 'answers', kind: 'disagreement', mode: 'decide', onFailure: 'rollback' },
  ...{ better: 'lower', maxChange: null, sensitivity: 0, max: 0.5, min: null },
}
const METRICS = [
  ERRORS,
  { ...LATENCY, quantile: 0.5, segments: ['gold'] },
  { ...RMSE, segments: ['gold'] },
  DISAGREEMENT,
]
const MIRROR: MirrorStepSpec = {
  ...{ kind: 'mirror', share: 1, minDurationMs: 0, minRequests: 1 },
  ...{ maxBytes: 1024, tolerance: 0 },
}

/** A copy as it was judged, for being judged again. */
type Served = { readonly copy: Copy; readonly ticket: PairTicket; readonly labels: number[] }

type Follower = {
  readonly voice: ReplicaVoice
  readonly following: Following
  readonly book: ServiceBook
}

/** One that decides and others that follow, in a mirror step, on one store that hears everything twice. */
class World {
  readonly clock = new ManualClock()
  readonly served: Served[] = []
  readonly #store = new MemoryStore()
  readonly #waiting: { served: Served; due: number }[] = []
  readonly #underWay: (() => void)[] = []
  readonly #of = service(
    rolloutSpec({
      spec: { steps: [MIRROR, ...weightSteps([5, 100])] },
      analysis: { metrics: METRICS },
    }),
  )
  readonly #plan = planOf(this.#of)
  readonly #state = state({ phase: 'progressing' }, { step: 0, weightBp: 0 })
  readonly #watch = new ReplicaWatch(this.#store, this.clock, 'leader')
  readonly #leaderBook = this.#newBook()
  readonly #leader: CohortCycle
  readonly #followers: readonly Follower[]
  #intervals = 0

  constructor(followers: number) {
    const { clock } = this
    const said = this.#store.report
    this.#store.report = async (report, shares) => {
      await said(report, shares)
      await said(report, shares)
    }
    this.#leader = new CohortCycle(this.#plan, this.#state, this.#leaderBook, clock.ms, null)
    this.#followers = Array.from({ length: followers }, (_, i) => {
      const voice = new ReplicaVoice(this.#store, clock, `follower-${i}`)
      const deps = { store: this.#store, clock, word: voice.word, nameShares: () => `${i}/1` }
      return { voice, following: new Following(deps), book: this.#newBook() }
    })
  }

  get evidence(): Evidence {
    return this.#leader.evidence
  }

  async begin(): Promise<void> {
    await this.#store.acquireLease('leader', 1e12, 0)
    for (const follower of this.#followers) await this.#follow(follower)
  }

  async run({ copies, judged, silent }: Interval): Promise<void> {
    this.#intervals += 1
    await this.#lead(judged)
    for (const [i, follower] of this.#followers.entries()) {
      // Twice in a row nobody is: who is silent for long is given up.
      const isSilent = this.#intervals % 2 === 0 && i === silent % (this.#followers.length + 1)
      if (!isSilent) await this.#follow(follower)
    }
    for (const each of copies) this.#copy(each)
    await this.#pass()
  }

  /** Nothing more is copied; all that is under way comes to its end. */
  async end(): Promise<void> {
    for (const end of this.#underWay.splice(0)) end()
    for (let n = 0; n < 6; n++) {
      await this.#lead(false)
      for (const follower of this.#followers) await this.#follow(follower)
      await this.#pass()
    }
  }

  /** The evidence of one process that was fed with all of it, under the terms that were published. */
  wholeEvidence(): Evidence {
    const { pairTests, hypotheses } = this.#plan
    const labelTests = pairTests.filter(isLabelTest)
    let evidence = emptyEvidence(this.evidence.rollout, hypotheses, 0)
    const intervals = new Map(this.served.map(({ ticket: { interval: i } }) => [i.number, i]))
    for (const { number, step, terms } of [...intervals.values()].toSorted(
      (a, b) => a.number - b.number,
    )) {
      const [ledger, labels] = [new PairLedger(pairTests), new PairLabels(labelTests)]
      ledger.turn({ number, step, terms }, 0)
      const tallies = labels.emptyTallies()
      const cohort = sampleCohort(number, { mirrored: true, terms, tallies })
      labels.add(cohort, false)
      for (const served of this.served) {
        if (served.ticket.interval.number !== number) continue
        const ticket = ledger.begin(served.ticket.segment)!
        endPair(ticket, served.copy.fate)
        for (const label of served.labels) labels.label(this.#predictionOf(served), label)
      }
      ledger.turn(null, 0)
      const [settled] = ledger.settle(0)
      if (settled!.counts.pairs > 0) evidence = foldPairs(evidence, pairTests, settled!)
      for (const test of labelTests) {
        const tally = cohort.tallies[test.id] as PairTally
        if (isEmptyPairTally(tally)) continue
        evidence = foldPairLabels(evidence, test, { number, step, tally })
      }
    }
    return evidence
  }

  async #pass(): Promise<void> {
    this.clock.ms += 1000
    this.#label(this.clock.ms)
    await this.#watch.look()
    await this.#leader.gather(this.#watch, this.clock.ms, this.clock.ms)
    this.#leader.fold(this.#state, this.clock.ms, this.clock.ms)
  }

  async #lead(judged: boolean): Promise<void> {
    await this.#watch.look()
    this.#leader.turn(this.#state, this.clock.ms, judged, true, 0, this.#watch)
    await this.#watch.flush({ holder: 'leader', token: 1 })
  }

  async #follow({ voice, following, book }: Follower): Promise<void> {
    await voice.look([{ ...NOTHING_ELSE, followed: following.cohorts }])
    await following.turn(this.#plan, this.#state, book)
  }

  #copy(each: Copy): void {
    const books = [this.#leaderBook, ...this.#followers.map(({ book }) => book)]
    const { ledger } = books[each.at % books.length]!.mirrors.get('canary')!
    const ticket = ledger?.begin(each.gold ? 'gold' : 'other') ?? null
    if (ticket === null) return
    const served: Served = { copy: each, ticket, labels: [] }
    this.served.push(served)
    const end = () => {
      endPair(ticket, each.fate)
      // Of what nobody has read the label finds no pair.
      if ((each.fate?.predictions ?? null) !== null && each.label !== null) {
        this.#waiting.push({ served, due: this.clock.ms + 500 })
      }
    }
    if (each.endsLate) this.#underWay.push(end)
    else end()
  }

  // Each goes to any replica, in any order.
  #label(now: number): void {
    for (const each of this.#waiting.splice(0)) {
      if (each.due > now) {
        this.#waiting.push(each)
        continue
      }
      const { copy: of, labels } = each.served
      const ways = [this.#leader, ...this.#followers.map(({ following }) => following.cohorts!)]
      const way = ways[of.labelledAt % ways.length]!
      const { result, changed } = way.label(this.#predictionOf(each.served), of.label!)
      if (result === 'late') continue
      labels.push(of.label!)
      if (changed === null) continue
      const tallies = [structuredClone({ service: 'svc', ...changed })]
      void this.#store.commitFeedback({ labels: [], events: [], tallies })
    }
  }

  #predictionOf({ copy: { fate: of }, ticket }: Served): Prediction {
    const [value, copied] = of!.predictions!
    return {
      ...{ service: 'svc', requestId: 'r', value, at: 0, cohort: -1, side: 0 },
      ...{ rollout: this.#leader.rollout, variant: 'baseline', unit: null },
      segment: ticket.segment!,
      pair: { cohort: ticket.interval.number, copy: copied },
    }
  }

  #newBook(): ServiceBook {
    const { clock } = this
    return new ServiceBook({ service: this.#of, clock, remember: () => {}, previous: null })
  }
}

t.test(
  'The evidence of the pairs of several replicas is that of one which was fed with all of them.',
  async (t) => {
    let pairs = 0
    let elsewhere = 0
    const judged: Record<string, number> = {}
    await fc.assert(
      fc.asyncProperty(
        fc.array(interval, { minLength: 3, maxLength: 10 }),
        fc.integer({ min: 1, max: 3 }),
        async (intervals, followers) => {
          const world = new World(followers)
          await world.begin()
          // Nobody is known before the leader has looked.
          world.clock.ms += 1000
          for (const each of intervals) await world.run(each)
          await world.end()
          const [found, whole] = [world.evidence.pairs, world.wholeEvidence().pairs]
          pairs += found?.counts.pairs ?? 0
          const ended = world.served.filter(({ copy: { fate: of } }) => of !== null)
          elsewhere += ended.filter(({ copy: { at } }) => at % (followers + 1) > 0).length
          for (const [id, { all }] of Object.entries(found?.series ?? {})) {
            judged[id] = (judged[id] ?? 0) + (all.kind === 'bet' ? all.n : all.trials)[1]
          }
          return ended.length === (found?.counts.pairs ?? 0) && close(found, whole)
        },
      ),
      { numRuns: 60 },
    )
    t.ok(pairs > 5000, `${pairs} pairs were judged`)
    t.ok(elsewhere > 2000, `${elsewhere} of them on replicas that follow`)
    for (const id of [
      'latency',
      'latency@gold',
      'rmse',
      'rmse@gold',
      'rmse/above-cap',
      'rmse/label-missing',
    ]) {
      t.ok(judged[`${id}/mirror`]! > 100, `${judged[`${id}/mirror`]} by ${id}`)
    }
  },
)

/** Equal but for the last digits of sums, which are added in another order. */
function close(found: unknown, wanted: unknown): boolean {
  if (typeof found === 'number' && typeof wanted === 'number') {
    return Math.abs(found - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted))
  }
  if (typeof found !== 'object' || found === null) return found === wanted
  if (typeof wanted !== 'object' || wanted === null) return false
  const [a, b] = [found, wanted] as Record<string, unknown>[]
  return Object.keys({ ...a, ...b }).every((key) => close(a![key], b![key]))
}
