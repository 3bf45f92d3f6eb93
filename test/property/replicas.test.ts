import fc from 'fast-check'
import t from 'tap'
import type { EventEvidence, Evidence } from '../../src/domain/evidence.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import type { CohortOpening, Publication } from '../../src/domain/replica.ts'
import { CohortCycle } from '../../src/evaluator/cohort-cycle.ts'
import { Following } from '../../src/evaluator/following.ts'
import { ReplicaVoice } from '../../src/evaluator/replica-voice.ts'
import { ReplicaWatch } from '../../src/evaluator/replica-watch.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { foldAssignments, foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { state } from '../fakes/rollout.ts'
import { ERRORS, ManualClock, RMSE, rolloutSpec, service } from '../fakes/simulated-service.ts'

const request = fc.record({
  canary: fc.boolean(),
  at: fc.nat(),
  outcome: fc.constantFrom<Outcome>('ok', 'failed', 'client_closed', 'rejected', 'no_answer'),
  error: fc.option(fc.integer({ min: 0, max: 40 })),
  labelledAt: fc.nat(),
  endsLate: fc.boolean(),
})
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never

const interval = fc.record({
  requests: fc.array(request, { maxLength: 12 }),
  judged: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
  step: fc.integer({ min: 0, max: 2 }),
  /** Who says and hears nothing in this interval. */
  silent: fc.nat(),
})
type Interval = typeof interval extends fc.Arbitrary<infer T> ? T : never

const METRICS = [ERRORS, RMSE]
const OF = service(rolloutSpec({ analysis: { metrics: METRICS } }))
const PLAN = buildPlan(OF, 'hash')!

type Follower = {
  readonly voice: ReplicaVoice
  readonly following: Following
  readonly book: ServiceBook
}

/** One that decides and others that follow, on one store that hears everything twice. */
class World {
  readonly clock = new ManualClock()
  readonly #store = new MemoryStore()
  readonly #remembered: Prediction[] = []
  readonly #labels: { prediction: Prediction; error: number; at: number; due: number }[] = []
  readonly #open: (() => void)[] = []
  readonly #publications: Publication[] = []
  /** All requests of all replicas, booked by one process under what was published. */
  readonly #whole = new Map<number, { ledger: CohortLedger; book: ServiceBook }>()
  readonly #leaderBook = this.#newBook()
  readonly #watch: ReplicaWatch
  readonly #leader: CohortCycle
  readonly #followers: readonly Follower[]
  #state = state()
  #intervals = 0

  constructor(followers: number) {
    const { clock } = this
    const said = this.#store.report
    this.#store.report = async (report, shares) => {
      await said(report, shares)
      await said(report, shares)
    }
    this.#watch = new ReplicaWatch(this.#store, clock, 'leader')
    this.#leader = new CohortCycle(PLAN, this.#state, this.#leaderBook, clock.ms, null)
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

  /** A cohort opens everywhere, takes these requests, and closes when the next one opens. */
  async run({ requests, judged, step, silent }: Interval): Promise<void> {
    const weightBp = [500, 2000, 5000][step]!
    this.#state = state({ phase: 'progressing' }, { step, weightBp })
    this.#intervals += 1
    await this.#lead(judged)
    for (const [i, follower] of this.#followers.entries()) {
      // Twice in a row nobody is: who is silent for long is given up.
      const isSilent = this.#intervals % 2 === 0 && i === silent % (this.#followers.length + 1)
      if (!isSilent) await this.#follow(follower)
    }
    for (const each of requests) this.#request(each)
    this.clock.ms += 1000
    this.#label(this.clock.ms)
    await this.#fold()
  }

  /** Nothing more is drawn; all that is under way comes to its end. */
  async end(): Promise<void> {
    this.#state = state({ phase: 'progressing' }, { weightBp: 0 })
    for (const end of this.#open.splice(0)) end()
    for (let n = 0; n < 6; n++) {
      await this.#lead(true)
      for (const follower of this.#followers) await this.#follow(follower)
      this.clock.ms += 1000
      this.#label(this.clock.ms)
      await this.#fold()
    }
  }

  /** The evidence of one process that was fed with all of it. */
  wholeEvidence(): Evidence {
    const { starts, stepStart, rollout } = this.evidence
    let evidence: Evidence = { ...emptyEvidence(rollout, PLAN.hypotheses, 0), starts, stepStart }
    for (const { ledger } of this.#whole.values()) {
      const cohort = ledger.current!
      if (sum(cohort.assigned) === 0) continue
      evidence = foldAssignments(evidence, cohort)
      for (const hypothesis of PLAN.hypotheses) {
        evidence = foldHypothesis(evidence, hypothesis, cohort, () => [[], []])
      }
    }
    return evidence
  }

  async #lead(judged: boolean): Promise<void> {
    await this.#watch.look()
    this.#leader.turn(this.#state, this.clock.ms, judged, true, 0, {
      ...this.#watch,
      publish: (publication) => {
        this.#publications.push(publication)
        this.#watch.publish(publication)
        this.#openWhole(publication.cohort)
      },
    })
    await this.#watch.flush({ holder: 'leader', token: 1, expiresAt: 0 })
  }

  #openWhole(opening: CohortOpening | null): void {
    if (opening === null) return
    const { openedAt: now, ...rest } = structuredClone(opening)
    const [ledger, book] = [new CohortLedger(PLAN.hypotheses, false, 1000), this.#newBook()]
    ledger.open({ ...rest, now })
    book.useLedger(ledger, opening.rollout)
    this.#whole.set(opening.number, { ledger, book })
  }

  async #fold(): Promise<void> {
    await this.#watch.look()
    await this.#leader.gather(this.#watch, this.clock.ms, this.clock.ms)
    this.#leader.fold(this.#state, this.clock.ms, this.clock.ms)
  }

  async #follow({ voice, following, book }: Follower): Promise<void> {
    await voice.look([{ service: 'svc', followed: following.cohorts, trip: null }])
    await following.turn(PLAN, this.#state, book)
  }

  #request({ canary, at, outcome, error, labelledAt, endsLate }: Request): void {
    const books = [this.#leaderBook, ...this.#followers.map(({ book }) => book)]
    const book = books[at % books.length]!
    const ticket = begin(book, canary)
    // Who has not heard of the newest cohort books into the one before; or into none.
    const whole = this.#whole.get(ticket.cohort?.number ?? -1) ?? null
    const wholeTicket = whole === null ? null : begin(whole.book, canary)
    const end = () => {
      book.end(ticket, outcome, 200, 5, this.clock.ms)
      book.predicted(ticket, outcome === 'ok' ? 0 : null)
      const prediction = this.#remembered.pop()!
      whole?.book.end(wholeTicket!, outcome, 200, 5, this.clock.ms)
      if (error !== null && whole !== null) {
        this.#labels.push({ prediction, error, at: labelledAt, due: this.clock.ms + 500 })
      }
    }
    if (endsLate) this.#open.push(end)
    else end()
  }

  // Each goes to any replica, in any order.
  #label(now: number): void {
    for (const each of this.#labels.splice(0)) {
      if (each.due > now) {
        this.#labels.push(each)
        continue
      }
      const { prediction, error, at } = each
      const ways = [this.#leader, ...this.#followers.map(({ following }) => following.cohorts!)]
      const { result, changed } = ways[at % ways.length]!.label(prediction, error)
      if (result === 'late') continue
      if (changed !== null) {
        const tallies = [structuredClone({ service: 'svc', ...changed })]
        void this.#store.commitFeedback({ labels: [], events: [], tallies })
      }
      this.#whole.get(prediction.cohort)!.ledger.label(prediction, error)
    }
  }

  #newBook(): ServiceBook {
    return new ServiceBook({
      service: OF,
      clock: this.clock,
      remember: (prediction) => this.#remembered.push(prediction),
      previous: null,
    })
  }
}

function begin(book: ServiceBook, canary: boolean) {
  const none = { suppressed: false, keyMissing: false, overrideRefused: false }
  const variant = canary ? 'canary' : 'baseline'
  return book.begin({ variant, reason: 'random', unit: null, ...none }, 'r')
}

t.test(
  'The evidence of several replicas is that of one which was fed with all of their requests.',
  async (t) => {
    let judged = 0
    let labelled = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(interval, { minLength: 3, maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        async (intervals, followers) => {
          const world = new World(followers)
          await world.begin()
          // Nobody is known before the leader has looked.
          world.clock.ms += 1000
          for (const each of intervals) await world.run(each)
          await world.end()
          const [found, whole] = [world.evidence, world.wholeEvidence()]
          judged += trialsOf(found, 'errors')
          labelled += trialsOf(found, 'rmse/label-missing')
          return close(found, whole)
        },
      ),
      { numRuns: 200 },
    )
    t.ok(judged > 1000, `${judged} requests were judged`)
    t.ok(labelled > 1000, `${labelled} of them waited for a label`)
  },
)

function trialsOf(evidence: Evidence, hypothesis: string): number {
  return sum((evidence.hypotheses[hypothesis] as EventEvidence).trials)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, n) => all + n, 0)
}

/** Equal but for the last digits of sums, which are added in another order. */
function close(found: unknown, wanted: unknown): boolean {
  if (typeof found === 'number' && typeof wanted === 'number') {
    return Math.abs(found - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted))
  }
  if (typeof found !== 'object' || found === null || wanted === null) return found === wanted
  const [a, b] = [Object.entries(found), wanted as Record<string, unknown>]
  return a.length === Object.keys(b).length && a.every(([key, value]) => close(value, b[key]))
}
