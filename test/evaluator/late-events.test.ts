import t from 'tap'
import type { Test } from 'tap'
import type { Assignment } from '../../src/domain/assignment.ts'
import type { BetEvidence, EventEvidence, Evidence } from '../../src/domain/evidence.ts'
import { nobodyAnswers } from '../fakes/simulation.ts'
import { Evaluator } from '../../src/evaluator/evaluator.ts'
import { createFeedbackJoin } from '../../src/feedback/join.ts'
import { keyUnit } from '../../src/feedback/key-unit.ts'
import { parseFeedback } from '../../src/feedback/parse.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { createPredictionBuffer } from '../../src/store/prediction-buffer.ts'
import {
  CONVERSION,
  ManualClock,
  REVENUE,
  RMSE,
  rolloutSpec,
  service,
  weightSteps,
} from '../fakes/simulated-service.ts'

const HOUR_MS = 3_600_000
const WINDOW_MS = 6 * HOUR_MS
const SECONDS = 8
const PER_SECOND = 20

const METRICS = [
  { ...CONVERSION, windowMs: WINDOW_MS },
  { ...REVENUE, windowMs: WINDOW_MS },
  { ...RMSE, labelWindowMs: WINDOW_MS },
]

/** A rollout that stays in its first step, on a real store; `open` is a start of the process. */
class World {
  readonly clock = new ManualClock()
  readonly #keyed: boolean
  readonly #path: string
  #open!: Awaited<ReturnType<World['open']>>

  constructor(keyed: boolean, path: string) {
    this.#keyed = keyed
    this.#path = path
  }

  async start(): Promise<void> {
    this.#open = await this.open()
  }

  async open() {
    const { clock } = this
    const steps = weightSteps([20, 100], 1e9)
    const of = service(
      rolloutSpec({
        spec: { steps, maxDurationMs: 1e10 },
        analysis: { metrics: METRICS, warmUpMs: 0 },
      }),
      this.#keyed,
    )
    const plan = buildPlan({ ...of, observe: { ...of.observe, awaitsEvents: true } }, 'hash')!
    const store = await openLmdbStore({
      ...{ path: this.#path, maxBytes: 2 ** 26, maxPending: 1e6, retentionMs: 1e9 },
      log: { info: () => {}, warn: () => {} },
    })
    const fail = (_: string, error: unknown) => {
      throw error
    }
    const buffer = createPredictionBuffer({ store, onError: (error) => fail('buffer', error) })
    const evaluator = new Evaluator({
      ...{
        store,
        clock,
        holder: 'test',
        apply: () => {},
        applyWinner: () => {},
        onDecision: () => {},
        onError: fail,
      },
      reachability: () => ({ ready: true, downForMs: 0 }),
      ...{ fetchProvider: nobodyAnswers, confirm: () => 'given' },
    })
    const book = new ServiceBook({ service: of, clock, remember: buffer.add, previous: null })
    await evaluator.add({ plan, book })
    const join = createFeedbackJoin({
      ...{ buffer, store, clock, services: () => ['svc'], count: () => {} },
      countRefused: () => {},
      eventFields: () => plan.eventFields,
      bookLabel: (prediction, label) => evaluator.label(prediction, label),
      showLabel: () => true,
      bookEvent: evaluator.event,
      later: () => {},
    })
    return { store, buffer, evaluator, book, join }
  }

  async restart(): Promise<void> {
    await this.close()
    await this.start()
  }

  async close(): Promise<void> {
    const { buffer, evaluator, store } = this.#open
    await buffer.close()
    await evaluator.stop()
    await store.close()
  }

  async pass(ms: number): Promise<void> {
    this.clock.ms += ms
    await this.#open.evaluator.look()
  }

  /** Request `n`, of a user of its own: one in five goes to the canary. */
  request(n: number): void {
    const { book } = this.#open
    const assignment: Assignment = {
      variant: n % 5 === 0 ? 'canary' : 'baseline',
      reason: this.#keyed ? 'key' : 'random',
      unit: this.#keyed ? keyUnit(`k-${n}`) : null,
      ...{ suppressed: false, keyMissing: false, overrideRefused: false },
    }
    const ticket = book.begin(assignment, `r-${n}`)
    book.head(ticket)
    book.end(ticket, 'ok', 200, 1)
    book.predicted(ticket, n % 7)
  }

  post(lines: readonly string[]) {
    return this.#open.join.accept(parseFeedback(lines.join('\n'), 'application/x-ndjson'))
  }

  async evidence(): Promise<Evidence> {
    return (await this.#open.store.readRollout('svc'))!.evidence!
  }
}

/** What is said of request `n`: a label, and of every third one or two purchases, an hour after it. */
function linesOf(world: World, n: number, keyed: boolean): readonly string[] {
  const whom = keyed && n % 2 === 0 ? `"key":"k-${n}"` : `"requestId":"r-${n}"`
  const at = new Date(world.clock.ms + HOUR_MS).toISOString()
  const buy = (id: number) =>
    `{${whom},"event":"purchase","id":"${id}","at":"${at}","values":{"amount":${(n % 6) + id}}}`
  const bought = n % 3 === 0 ? [buy(1), ...(n % 2 === 0 ? [buy(2)] : [])] : []
  return [`{${whom},"label":${n % 5}}`, ...bought]
}

async function rollOut(t: Test, keyed: boolean, folder: string): Promise<[World, string[]]> {
  const world = new World(keyed, t.testdir({ [folder]: {} }) + `/${folder}`)
  await world.start()
  await world.pass(1000)
  // What bets are made with comes from earlier cohorts.
  const earlier = await send(world, SECONDS * PER_SECOND, keyed)
  await world.pass(HOUR_MS)
  t.match(await world.post(earlier), { joined: earlier.length })
  await world.pass(WINDOW_MS)
  await world.pass(1000)
  return [world, await send(world, 0, keyed)]
}

/** Requests from number `first` on, over several cohorts; returns what is to be said of them. */
async function send(world: World, first: number, keyed: boolean): Promise<string[]> {
  const lines: string[] = []
  for (let second = 0; second < SECONDS; second++) {
    for (let i = 0; i < PER_SECOND; i++) {
      const n = first + second * PER_SECOND + i
      world.request(n)
      lines.push(...linesOf(world, n, keyed))
    }
    await world.pass(1000)
  }
  return lines
}

for (const keyed of [false, true]) {
  const how = keyed ? 'by key' : 'by request'
  t.test(`feedback hours later, in any order and twice, says the same, ${how}`, async (t) => {
    const [prompt, inOrder] = await rollOut(t, keyed, 'prompt')
    await prompt.pass(2 * HOUR_MS)
    t.match(await prompt.post(inOrder), { joined: inOrder.length, duplicate: 0, unmatched: 0 })
    await prompt.pass(5 * HOUR_MS)
    const expected = await prompt.evidence()
    await prompt.close()

    const [slow, lines] = await rollOut(t, keyed, 'slow')
    await slow.pass(2 * HOUR_MS)
    // 997 is a prime: every line has its turn, far from where it stood.
    const shuffled = lines.map((_, index) => lines[(index * 997) % lines.length]!)
    const half = shuffled.slice(0, lines.length / 2)
    t.match(await slow.post([...half, ...half]), { joined: half.length, duplicate: half.length })
    await slow.restart()
    await slow.pass(3.9 * HOUR_MS)
    const unknown = ['{"requestId":"nobody","label":1}', '{"key":"nobody","event":"purchase"}']
    t.match(await slow.post([...shuffled, unknown[0]!]), {
      joined: lines.length - half.length,
      duplicate: half.length,
      unmatched: 1,
    })
    t.match(await slow.post([unknown[1]!]), { unmatched: 1, rejected: [] })
    await slow.pass(1.1 * HOUR_MS)
    const found = await slow.evidence()

    const [conversion, expectedConversion] = [found, expected].map(
      (each) => each.hypotheses['conversion'] as EventEvidence,
    )
    const units = 2 * SECONDS * PER_SECOND
    t.same(conversion!.trials, [0.8 * units, 0.2 * units])
    t.ok(conversion!.events[0] > 0 && conversion!.events[1] > 0, 'both sides have sold something')
    t.same(conversion, expectedConversion)
    for (const id of ['revenue', 'rmse']) {
      const [revenue, expectedRevenue] = [found, expected].map(
        (each) => each.hypotheses[id] as BetEvidence,
      )
      t.ok(revenue!.strata[0]!.sum[0] > 0 && revenue!.harm[0]![0] !== 0, `${id} was bet on`)
      t.same(rounded(revenue!), rounded(expectedRevenue!), id)
    }

    t.match(
      await slow.post([
        lines[0]!.replace(/"label":.*/, '"event":"purchase","id":"9","values":{"amount":1}}'),
      ]),
      {
        late: 1,
      },
    )
    await slow.pass(1000)
    t.same((await slow.evidence()).hypotheses['conversion'], conversion, 'too late changes nothing')
    await slow.close()
  })
}

/** Sums that were added in another order differ in their last digits. */
function rounded(evidence: BetEvidence): unknown {
  return JSON.parse(JSON.stringify(evidence), (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(9)) : value,
  )
}
