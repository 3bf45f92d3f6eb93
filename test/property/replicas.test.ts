import { fc } from '../support/fast-check.ts'
import t from 'tap'
import type { Cohort } from '../../src/domain/cohort.ts'
import type { EventEvidence, Evidence } from '../../src/domain/evidence.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import { CohortCycle } from '../../src/evaluator/cohort-cycle.ts'
import { Following } from '../../src/evaluator/following.ts'
import { ReplicaVoice } from '../../src/evaluator/replica-voice.ts'
import { ReplicaWatch } from '../../src/evaluator/replica-watch.ts'
import { Replicas } from '../../src/evaluator/replicas.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import type { Ticket } from '../../src/metrics/recorder.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { foldAssignments, foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import { FirstEvents } from '../../src/rollout/first-events.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { areClose } from '../fakes/close-evidence.ts'
import { MemoryStore } from '../fakes/memory-store.ts'
import { state } from '../fakes/rollout.ts'
import { ERRORS, ManualClock, RMSE, rolloutSpec, service } from '../fakes/simulated-service.ts'
import { NOTHING_ELSE } from '../fakes/silent-follower.ts'

const request = fc.record({
  canary: fc.boolean(),
  unit: fc.integer({ min: 0, max: 12 }),
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

/** A request as it was judged, for being judged again. */
type Served = {
  readonly ticket: Ticket
  readonly request: Request
  readonly requestId: string
  readonly labels: number[]
}

type Follower = {
  readonly voice: ReplicaVoice
  readonly following: Following
  readonly book: ServiceBook
  readonly replicas: Replicas
}

/** One that decides and others that follow, on one store that hears everything twice. */
class World {
  readonly clock = new ManualClock()
  readonly #store = new MemoryStore()
  readonly #predictions = new Map<string, Prediction>()
  readonly #served: Served[] = []
  readonly #labels: { served: Served; due: number }[] = []
  readonly #underWay: (() => void)[] = []
  readonly #of
  readonly #plan
  readonly #keyed: boolean
  readonly #leaderBook
  readonly #watch: ReplicaWatch
  readonly #leader: CohortCycle
  readonly #replicas: Replicas
  readonly #followers: readonly Follower[]
  #state = state()
  #intervals = 0
  #requests = 0

  constructor(followers: number, keyed: boolean) {
    const { clock } = this
    this.#keyed = keyed
    this.#of = service(rolloutSpec({ analysis: { metrics: METRICS } }), keyed)
    this.#plan = buildPlan(this.#of, 'hash')!
    const said = this.#store.report
    this.#store.report = async (report, shares) => {
      await said(report, shares)
      await said(report, shares)
    }
    this.#leaderBook = this.#newBook()
    this.#watch = new ReplicaWatch(this.#store, clock, 'leader')
    this.#replicas = new Replicas(this.#store, clock, 'leader')
    this.#leader = new CohortCycle(this.#plan, this.#state, this.#leaderBook, clock.ms, null)
    this.#followers = Array.from({ length: followers }, (_, i) => {
      const name = `follower-${i}`
      const voice = new ReplicaVoice(this.#store, clock, name)
      const deps = { store: this.#store, clock, word: voice.word, nameShares: () => `${i}/1` }
      const replicas = new Replicas(this.#store, clock, name)
      return { voice, following: new Following(deps), book: this.#newBook(), replicas }
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
    for (const end of this.#underWay.splice(0)) end()
    for (let n = 0; n < 6; n++) {
      await this.#lead(true)
      for (const follower of this.#followers) await this.#follow(follower)
      this.clock.ms += 1000
      this.#label(this.clock.ms)
      await this.#fold()
    }
  }

  /** Keys that were judged first more than once. */
  get twice(): readonly number[] {
    const firsts = this.#served.filter(({ ticket }) => ticket.first && this.#keyed)
    const units = firsts.map(({ request }) => request.unit)
    return units.filter((unit, i) => units.indexOf(unit) !== i)
  }

  /** The evidence of one process that was fed with all of it, under the bets that were published. */
  wholeEvidence(): Evidence {
    const { hypotheses } = this.#plan
    const { starts, stepStart, rollout } = this.evidence
    const { harmSince } = new FirstEvents()
    let evidence: Evidence = { ...emptyEvidence(rollout, hypotheses, 0), starts, stepStart }
    const opened = new Map(
      this.#served.map(({ ticket }) => [ticket.cohort!.number, ticket.cohort!]),
    )
    for (const opening of [...opened.values()].toSorted((a, b) => a.number - b.number)) {
      const cohort = this.#wholeCohort(opening)
      evidence = foldAssignments(evidence, cohort)
      for (const hypothesis of hypotheses) {
        evidence = foldHypothesis(evidence, hypothesis, cohort, harmSince)
      }
    }
    return evidence
  }

  #wholeCohort({ number, rollout, step, pi, epoch, judged, terms }: Cohort): Cohort {
    const served = this.#served.filter(({ ticket }) => ticket.cohort!.number === number)
    const ledger = new CohortLedger(this.#plan.hypotheses, this.#keyed, 1000)
    const cohort = ledger.open({ number, rollout, step, pi, epoch, judged, terms, now: 0 })
    const book = this.#newBook()
    book.useLedger(ledger, rollout)
    for (const first of [true, false]) {
      for (const { ticket, request, requestId, labels } of served) {
        if (ticket.first !== first) continue
        if (!first) ledger.units.admit(request.unit)
        const whole = this.#begin(book, request, requestId)
        book.end(whole, request.outcome, 200, 5, this.clock.ms)
        if (!first) continue
        const prediction = this.#predictions.get(requestId)!
        for (const label of labels) ledger.label(prediction, label)
      }
    }
    return cohort
  }

  async #lead(judged: boolean): Promise<void> {
    await this.#watch.look()
    this.#leader.turn(this.#state, this.clock.ms, judged, true, 0, {
      areThere: this.#watch.areThere,
      learnt: this.#watch.learnt,
      pairFigures: this.#watch.pairFigures,
      publish: (publication) => {
        this.#watch.publish(publication)
      },
    })
    await this.#watch.flush({ holder: 'leader', token: 1 })
  }

  async #fold(): Promise<void> {
    await this.#watch.look()
    await this.#replicas.claim([{ service: 'svc', claims: this.#leader.claims }])
    await this.#leader.gather(this.#watch, this.clock.ms, this.clock.ms)
    this.#leader.fold(this.#state, this.clock.ms, this.clock.ms)
  }

  async #follow({ voice, following, book, replicas }: Follower): Promise<void> {
    const { cohorts } = following
    await voice.look([{ ...NOTHING_ELSE, followed: cohorts }])
    if (cohorts !== null) await replicas.claim([{ service: 'svc', claims: cohorts.claims }])
    await following.turn(this.#plan, this.#state, book)
  }

  #request(request: Request): void {
    const books = [this.#leaderBook, ...this.#followers.map(({ book }) => book)]
    const book = books[request.at % books.length]!
    const requestId = `r-${(this.#requests += 1)}`
    const ticket = this.#begin(book, request, requestId)
    // Who has not heard of the newest cohort books into the one before; or into none.
    const isJudged = ticket.cohort !== null
    const served = { ticket, request, requestId, labels: [] }
    if (isJudged) this.#served.push(served)
    const end = () => {
      book.end(ticket, request.outcome, 200, 5, this.clock.ms)
      book.predicted(ticket, request.outcome === 'ok' ? 0 : null)
      if (request.error !== null && isJudged) {
        this.#labels.push({ served, due: this.clock.ms + 500 })
      }
    }
    if (request.endsLate) this.#underWay.push(end)
    else end()
  }

  // Each goes to any replica, in any order.
  #label(now: number): void {
    for (const each of this.#labels.splice(0)) {
      const { request, requestId, labels } = each.served
      const prediction = this.#predictions.get(requestId)
      // It is not stored before it is known whether its key was judged before.
      if (each.due > now || prediction === undefined) {
        this.#labels.push(each)
        continue
      }
      if (prediction.cohort === -1) continue
      const ways = [this.#leader, ...this.#followers.map(({ following }) => following.cohorts!)]
      const way = ways[request.labelledAt % ways.length]!
      const { result, changed } = way.label(prediction, request.error!)
      if (result === 'late') continue
      labels.push(request.error!)
      if (changed === null) continue
      const tallies = [structuredClone({ service: 'svc', ...changed })]
      void this.#store.commitFeedback({ labels: [], events: [], tallies })
    }
  }

  #begin(book: ServiceBook, { canary, unit }: Request, requestId: string): Ticket {
    const none = { suppressed: false, keyMissing: false, overrideRefused: false }
    const variant = canary ? 'canary' : 'baseline'
    const [reason, key] = this.#keyed ? (['key', unit] as const) : (['random', null] as const)
    return book.begin({ variant, reason, unit: key, ...none }, requestId)
  }

  #newBook(): ServiceBook {
    return new ServiceBook({
      service: this.#of,
      clock: this.clock,
      remember: (prediction) => this.#predictions.set(prediction.requestId, prediction),
      previous: null,
    })
  }
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
        fc.boolean(),
        async (intervals, followers, keyed) => {
          const world = new World(followers, keyed)
          await world.begin()
          // Nobody is known before the leader has looked.
          world.clock.ms += 1000
          for (const each of intervals) await world.run(each)
          await world.end()
          const [found, whole] = [world.evidence, world.wholeEvidence()]
          judged += trialsOf(found, 'errors')
          labelled += trialsOf(found, 'rmse/label-missing')
          return world.twice.length === 0 && areClose(found, whole)
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
