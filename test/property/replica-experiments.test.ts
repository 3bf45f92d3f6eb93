import t from 'tap'
import type { EventEvidence, Evidence } from '../../src/domain/evidence.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import { CohortLedger } from '../../src/metrics/cohort-ledger.ts'
import type { Ticket } from '../../src/metrics/recorder.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildExperimentPlan, type ComparisonPlan } from '../../src/rollout/experiment-plan.ts'
import { FirstEvents } from '../../src/rollout/first-events.ts'
import { foldAssignments, foldHypothesis } from '../../src/rollout/fold-cohort.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { areClose } from '../fakes/close-evidence.ts'
import { ExperimentProcesses, variantOf } from '../fakes/experiment-processes.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { ERRORS, ManualClock, RMSE, TOKENS } from '../fakes/simulated-service.ts'
import { fc } from '../support/fast-check.ts'

const request = fc.record({
  key: fc.nat({ max: 24 }),
  at: fc.nat(),
  outcome: fc.constantFrom<Outcome>('ok', 'ok', 'failed', 'client_closed', 'rejected', 'no_answer'),
  tokens: fc.nat({ max: 9 }),
  error: fc.option(fc.nat({ max: 20 })),
  labelledAt: fc.nat(),
  endsLate: fc.boolean(),
})
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never

const interval = fc.record({
  requests: fc.array(request, { maxLength: 12 }),
  /** Who says and hears nothing in this interval, and is back in the next. */
  silent: fc.nat({ max: 6 }),
})
type Interval = typeof interval extends fc.Arbitrary<infer T> ? T : never

const SERVICE = threeWay([ERRORS, RMSE, TOKENS], true)
const PLAN = buildExperimentPlan(SERVICE, 'hash')!

/** A request that some comparison has booked. */
type Served = {
  readonly request: Request
  readonly ticket: Ticket
  readonly labels: number[]
}

/** Processes with a keyed experiment, of which the first decides, alone at first. */
class World {
  readonly processes = new ExperimentProcesses(SERVICE)
  readonly served: Served[] = []
  readonly #labels: { readonly served: Served; readonly until: number }[] = []
  readonly #underWay: (() => void)[] = []
  #intervals = 0

  async begin(): Promise<void> {
    await this.processes.start()
    // Its warm-up.
    await this.processes.run(3000)
  }

  async join(followers: number): Promise<void> {
    for (let n = 0; n < followers; n++) await this.processes.start()
  }

  async run({ requests, silent }: Interval): Promise<void> {
    const { all } = this.processes
    this.#intervals += 1
    // Twice in a row nobody is: who is silent for long is given up.
    const isHeard = (i: number) => i === 0 || this.#intervals % 2 === 0 || i !== silent
    const looking = all.filter((_, i) => isHeard(i))
    for (const [i, each] of requests.entries()) {
      this.#serve(each)
      if (i % 4 === 3) await this.processes.run(250, looking)
    }
    await this.processes.run(500, looking)
    await this.#label()
  }

  async end(): Promise<void> {
    await this.processes.run(1000)
    for (const end of this.#underWay.splice(0)) end()
    for (let n = 0; n < 4; n++) {
      await this.processes.run(500)
      await this.#label()
    }
    await this.processes.run(12_000)
  }

  #serve(request: Request): void {
    const { all } = this.processes
    const process = all[request.at % all.length]!
    const ticket = this.processes.begin(process, variantOf(request.key), request.key)
    const served = { request, ticket, labels: [] }
    if (ticket.compared.length > 0) this.served.push(served)
    const end = () =>
      this.processes.end(process, ticket, request.outcome, { '/tokens': request.tokens })
    if (request.endsLate) {
      this.#underWay.push(end)
      return
    }
    end()
    // Within its window wherever it is: one comparison may be folded before the other one is.
    if (request.error !== null) this.#labels.push({ served, until: ticket.startedWall + 1500 })
  }

  // Each goes to any process, as soon as its prediction is stored.
  async #label(): Promise<void> {
    const { all, clock, store } = this.processes
    const predictions = new Map(
      all.flatMap((each) => each.predictions).map((each) => [each.requestId, each]),
    )
    for (const each of this.#labels.splice(0)) {
      if (clock.ms > each.until) continue
      const { ticket, request, labels } = each.served
      const prediction = predictions.get(ticket.requestId)
      if (prediction === undefined) this.#labels.push(each)
      if (prediction === undefined || prediction.cohort === -1) continue
      const { evaluator } = all[request.labelledAt % all.length]!
      const { result, alsoChanged } = evaluator.label(prediction, request.error!)
      // Who has not heard of its cohort yet says so.
      if (result === 'joined') labels.push(request.error!)
      const tallies = structuredClone(alsoChanged ?? [])
      await store.commitFeedback({ labels: [], events: [], tallies })
    }
  }
}

/** A request in one of its comparisons. */
type Place = Served & { readonly place: Ticket }

function placesOf(served: readonly Served[], variant: string): readonly Place[] {
  return served.flatMap((each) => {
    const place = each.ticket.compared.find(({ challenger }) => challenger === variant)
    return place === undefined ? [] : { ...each, place: place.ticket }
  })
}

/** The evidence of one process that was fed with all requests of a comparison, under the bets that were published. */
function wholeEvidence(
  { variant, plan }: ComparisonPlan,
  { rollout, starts, stepStart }: Evidence,
  served: readonly Served[],
): Evidence {
  const { hypotheses } = plan
  const { harmSince } = new FirstEvents()
  const places = placesOf(served, variant)
  const numbers = new Set(places.map(({ place }) => place.cohort!.number))
  let evidence: Evidence = { ...emptyEvidence(rollout, hypotheses, 0), starts, stepStart }
  for (const number of [...numbers].toSorted((a, b) => a - b)) {
    const cohort = wholeCohort(
      variant,
      plan,
      places.filter(({ place }) => place.cohort!.number === number),
    )
    evidence = foldAssignments(evidence, cohort)
    for (const hypothesis of hypotheses) {
      evidence = foldHypothesis(evidence, hypothesis, cohort, harmSince)
    }
  }
  return evidence
}

function wholeCohort(variant: string, plan: ComparisonPlan['plan'], places: readonly Place[]) {
  const ledger = new CohortLedger(plan.hypotheses, true, 1000)
  const predictions = new Map<string, Prediction>()
  const book = new ServiceBook({
    service: SERVICE,
    clock: new ManualClock(),
    remember: (prediction) => predictions.set(prediction.requestId, prediction),
    previous: null,
  })
  const { number, rollout, step, pi, epoch, judged, terms } = places[0]!.place.cohort!
  const cohort = ledger.open({ number, rollout, step, pi, epoch, judged, terms, now: 0 })
  book.compare(variant, ledger, rollout)
  const none = { suppressed: false, keyMissing: false, overrideRefused: false }
  for (const first of [true, false]) {
    for (const { place, request, ticket, labels } of places) {
      if (place.first !== first) continue
      if (!first) ledger.units.admit(request.key)
      const assignment = { variant: ticket.variant, reason: 'key', unit: request.key, ...none }
      const whole = book.begin({ ...assignment, reason: 'key' }, ticket.requestId)
      const isGood = request.outcome === 'ok'
      book.end(whole, request.outcome, isGood ? 200 : 500, 5)
      book.predicted(whole, isGood ? 1 : null, isGood ? { '/tokens': request.tokens } : {})
      for (const label of labels) ledger.label(predictions.get(ticket.requestId)!, label)
    }
  }
  return cohort
}

/** Keys that were judged by another number of requests than one, or by one in one comparison and not in another. */
function oddKeys(served: readonly Served[]): readonly number[] {
  const keys = new Set(served.map(({ request }) => request.key))
  return [...keys].filter((key) => {
    const of = served.filter(({ request }) => request.key === key)
    const firsts = of.filter(({ ticket }) => ticket.compared.some((place) => place.ticket.first))
    const isWhole = firsts.every(
      ({ ticket }) =>
        ticket.compared.length === (variantOf(key) === 'baseline' ? 2 : 1) &&
        ticket.compared.every((place) => place.ticket.first),
    )
    return firsts.length !== 1 || !isWhole
  })
}

function evidenceOf({ processes }: World, { plan }: ComparisonPlan): Evidence {
  return processes.store.records.get(plan.service)!.evidence!
}

t.test(
  'The evidence of a keyed experiment is that of one process, and each key counts once.',
  async (t) => {
    const totals = { judged: 0, labelled: 0, elsewhere: 0, lost: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.array(interval, { maxLength: 2 }),
        fc.array(interval, { minLength: 3, maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        async (alone, together, followers) => {
          const world = new World()
          await world.begin()
          for (const each of alone) await world.run(each)
          await world.join(followers)
          for (const each of together) await world.run(each)
          await world.end()
          const { served, processes } = world
          totals.lost += processes.all[0]!.evaluator.replicas!.lostShares
          if (processes.errors.length > 0 || oddKeys(served).length > 0) return false
          return PLAN.comparisons.every((comparison) => {
            const places = placesOf(served, comparison.variant)
            if (places.length === 0) return true
            const found = evidenceOf(world, comparison)
            totals.judged += trialsOf(found, 'errors')
            totals.labelled += sum(places.flatMap(({ labels }) => labels.map(() => 1)))
            totals.elsewhere += sum(places.map(({ place }) => (place.claim === null ? 0 : 1)))
            return areClose(found, wholeEvidence(comparison, found, served))
          })
        },
      ),
      { numRuns: 50 },
    )
    t.comment(JSON.stringify(totals))
    t.equal(totals.lost, 0)
    t.ok(totals.judged > 500, `${totals.judged} keys were judged`)
    t.ok(totals.labelled > 150, `${totals.labelled} labels joined`)
    t.ok(totals.elsewhere > 400, `${totals.elsewhere} keys were claimed`)
  },
)

const fault = fc.record({
  keys: fc.array(fc.nat({ max: 39 }), { maxLength: 12 }),
  at: fc.nat(),
  endsLate: fc.boolean(),
  ms: fc.constantFrom(250, 1000, 3000),
  befalls: fc.constantFrom('death', 'end', 'start', 'silence', 'nothing', 'nothing'),
  whom: fc.nat(),
})

t.test('Whoever dies, comes, goes or falls silent, no key counts twice.', async (t) => {
  const totals = { served: 0, judged: 0, lost: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { minLength: 5, maxLength: 25 }), async (faults) => {
      const world = new ExperimentProcesses(SERVICE)
      let alive = [await world.start(), await world.start()]
      await world.run(6000)
      const underWay: (() => void)[] = []
      const known = new Set<number>()
      for (const { keys, at, endsLate, ms, befalls, whom } of faults) {
        const server = alive[at % alive.length]!
        for (const key of keys) {
          const ticket = world.begin(server, variantOf(key), key)
          if (ticket.compared.length > 0) known.add(key)
          if (endsLate) underWay.push(() => world.end(server, ticket))
          else world.end(server, ticket)
        }
        totals.served += keys.length
        const one = alive[whom % alive.length]!
        if (befalls === 'end' && alive.length > 1) await one.evaluator.stop()
        const isOver = (befalls === 'end' || befalls === 'death') && alive.length > 1
        if (isOver) alive = alive.filter((each) => each !== one)
        if (befalls === 'start' && alive.length < 4) alive.push(await world.start())
        const isSilent = befalls === 'silence'
        await world.run(
          ms,
          alive.filter((each) => !isSilent || each !== one),
        )
        if (underWay.length > 6) for (const end of underWay.splice(0)) end()
      }
      for (const end of underWay.splice(0)) end()
      await world.run(60_000, alive)
      const leader = alive.find(({ evaluator }) => evaluator.leads)!
      totals.lost += leader.evaluator.replicas!.lostShares
      return PLAN.comparisons.every(({ variant, plan }) => {
        const { evidence } = world.store.records.get(plan.service)!
        if (evidence === null) return true
        const { trials } = evidence.hypotheses['errors'] as EventEvidence
        totals.judged += sum(trials)
        const keysOf = (of: string) => [...known].filter((key) => variantOf(key) === of).length
        return trials[0] <= keysOf('baseline') && trials[1] <= keysOf(variant)
      })
    }),
    { numRuns: 30 },
  )
  t.comment(JSON.stringify(totals))
  t.ok(totals.judged > 500, `${totals.judged} keys were judged`)
  t.ok(totals.lost > 10, `${totals.lost} shares were lost`)
})

function trialsOf(evidence: Evidence, hypothesis: string): number {
  return sum((evidence.hypotheses[hypothesis] as EventEvidence).trials)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, n) => all + n, 0)
}
