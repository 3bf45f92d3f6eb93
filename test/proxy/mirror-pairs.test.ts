import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { EventTally } from '../../src/domain/cohort.ts'
import type { PairCounts } from '../../src/domain/pairs.ts'
import { PairLedger, type PairTicket, type SettledPairs } from '../../src/metrics/pair-ledger.ts'
import { buildTests } from '../../src/rollout/pair-tests.ts'
import { RMSE, rolloutSpec, weightSteps } from '../fakes/simulated-service.ts'
import { timeouts } from '../support/start-gateway.ts'
import { startMirrored, untilBook, type Answer } from './mirror-gateway.ts'

const MISSING = rolloutSpec({
  spec: {
    steps: [
      { kind: 'mirror', share: 1, minDurationMs: 0, minRequests: 1, maxBytes: 1, tolerance: 0 },
      ...weightSteps([5, 100]),
    ],
  },
  analysis: { metrics: [RMSE] },
})

/** A gateway whose mirror's pairs are evidence, as in a mirror step of a rollout. */
async function startJudged(
  t: Test,
  answers: { readonly live?: Answer; readonly shadow?: Answer },
  more: Parameters<typeof startMirrored>[2] = {},
) {
  const started = await startMirrored(t, answers, more)
  const { pairTests } = buildTests(MISSING)
  const ledger = new PairLedger(pairTests, true)
  started.book.ledger = ledger
  ledger.turn(OPENING, 0)
  /** Closes the interval and waits until all of its pairs are known. */
  const all = async (): Promise<SettledPairs> => {
    ledger.turn(null, 1)
    for (;;) {
      const [found] = ledger.settle(1)
      if (found !== undefined) return found
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const settled = async (): Promise<Partial<PairCounts>> =>
    Object.fromEntries(Object.entries((await all()).counts).filter(([, count]) => count > 0))
  const tallies = async () => (await all()).tallies!
  return { ...started, ledger, settled, tallies }
}

const json = (text: string, status = 200): Answer => {
  return (_req, res) => res.writeHead(status).end(text)
}
const OBSERVE = {
  ...{ requestIdHeader: 'x-id', prediction: '/p', sample: 1 },
  ...{ numbers: [], awaitsEvents: false },
}
const OBSERVED = { observe: OBSERVE }
const OPENING = { number: 1, step: 0, terms: { thresholds: {}, bets: {}, caps: {} } }
const reset: Answer = (req) => req.socket.resetAndDestroy()

for (const [how, live, shadow, counts] of [
  ['agree', json('{"p":1}'), json('{"p":1}'), { pairs: 1, compared: 1 }],
  ['differ', json('{"p":1}'), json('{"q":1}'), { pairs: 1, compared: 1, disagreed: 1 }],
  ['cannot be compared', json('one'), json('two'), { pairs: 1 }],
  [
    'differ by a failure of the copy',
    json('{}'),
    json('', 500),
    { pairs: 1, canaryFailed: 1, compared: 1, disagreed: 1 },
  ],
  ['fail alike', json('', 500), json('', 500), { pairs: 1, bothFailed: 1, compared: 1 }],
  [
    'differ by a failure of the live one',
    json('', 500),
    json('{}'),
    { pairs: 1, baselineFailed: 1, compared: 1, disagreed: 1 },
  ],
  [
    'are one alone, the live one',
    json('{}'),
    reset,
    { pairs: 1, canaryFailed: 1, compared: 1, disagreed: 1 },
  ],
  ['are one alone, that of the copy', reset, json('{}'), { pairs: 1, baselineFailed: 1 }],
  ['are none at all', reset, reset, { pairs: 1, bothFailed: 1 }],
] as const satisfies readonly (readonly [string, Answer, Answer, Partial<PairCounts>])[]) {
  t.test(`a pair whose answers ${how} is counted so`, async (t) => {
    const { post, settled } = await startJudged(t, { live, shadow })
    await post()
    t.same(await settled(), counts)
  })
}

t.test('first bytes are timed apart from the heads, where a metric asks', async (t) => {
  const slowly =
    (ms: number, status = 200): Answer =>
    async (_req, res) => {
      res.writeHead(status).flushHeaders()
      await delay(ms)
      res.end('{}')
    }
  const HEAD = { quantile: 0.5 }
  const FIRST_BYTE = { ...HEAD, until: 'first-byte' } as const
  const timed = async (asks: boolean, live: Answer, shadow: Answer) => {
    const { post, settled, ledger, gateway } = await startJudged(t, { live, shadow })
    gateway.recorder.timesFirstBytes = asks
    await post()
    await settled()
    return ([0, 1] as const).map((side) => ({
      head: ledger.stepQuantile(0, side, HEAD, null),
      first: ledger.stepQuantile(0, side, FIRST_BYTE, null),
    }))
  }
  for (const { head, first } of await timed(true, slowly(60), slowly(60)))
    t.ok(first.value! > head.value! + 20, `${head.value}, then ${first.value} ms`)
  const counts = async (...of: Parameters<typeof timed>) =>
    (await timed(...of)).map(({ head, first }) => [head.n, first.n])
  const failed = await counts(true, slowly(0, 500), json('{}'))
  t.same(
    failed,
    [
      [1, 0],
      [1, 1],
    ],
    'of a failure none is taken',
  )
  t.same((await counts(false, json('{}'), json('{}')))[0], [1, 0], 'nobody asks')
  const [, empty] = await timed(true, json(''), json('', 204))
  t.same(empty!.first, empty!.head, 'without a body it is the head')
})

const zipped: Answer = (_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end('{}')

for (const [what, live, shadow, events] of [
  ['their numbers', json('{"p":1}'), json('{"p":2}'), [0, 0]],
  ['their numbers, also where both are the same', json('{"p":1}'), json('{"p":1}'), [0, 0]],
  ['their numbers, also where the forms differ', json('{"p":1}'), json('{"p":2,"q":0}'), [0, 0]],
  ['none, where one says a text', json('{"p":1}'), json('{"p":"2"}'), [0, 1]],
  ['none, where one says no JSON', json('text'), json('{"p":2}'), [1, 0]],
  ['none, where both say something else', json('text'), json('another'), [1, 1]],
  ['none, where one is an error', json('{"p":1}'), json('{"p":2}', 500), [0, 1]],
  ['none, where the other one is', json('{"p":1}', 500), json('{"p":2}'), [1, 0]],
  ['none, where both are refused', json('{"p":1}', 422), json('{"p":2}', 422), [1, 1]],
  ['none, where one has no answer', json('{"p":1}'), reset, [0, 1]],
  ['none, where the other one has none', reset, json('{"p":2}'), [1, 0]],
  ['none, where nobody has an answer', reset, reset, [1, 1]],
  ['nobody knows what, where a body was not read', zipped, json('{"p":2}'), null],
  ['nobody knows what, where that of the copy was not', json('{"p":1}'), zipped, null],
  ['nobody knows what, of one that was not read beside a failure', zipped, reset, null],
  ['nobody knows what, of the copy that was not', reset, zipped, null],
] as const satisfies readonly (readonly [string, Answer, Answer, unknown])[]) {
  t.test(`what both predict is known with their fates: ${what}`, async (t) => {
    const { post, tallies } = await startJudged(t, { live, shadow }, { service: OBSERVED })
    await post()
    const { trials, events: found } = (await tallies())['rmse/label-missing/mirror'] as EventTally
    t.same(trials, events === null ? [0, 0] : [1, 1])
    t.same(found, events ?? [0, 0])
  })
}

t.test('of a sampled observation only the pairs that are drawn are asked', async (t) => {
  for (const [live, shadow] of [
    [json('{"p":1}'), json('{}')],
    [reset, json('{"p":2}')],
    [reset, reset],
  ] as const) {
    const service = { observe: { ...OBSERVE, sample: 0 } }
    const { post, tallies } = await startJudged(t, { live, shadow }, { service })
    await post()
    t.match((await tallies())['rmse/label-missing/mirror'], { trials: [0, 0] })
  }
})

for (const [what, shadow, prediction, live = json('{"p":1}')] of [
  ['its number', json('{"p":2}'), 2],
  ['none, where it says a text', json('{"p":"2"}'), null],
  ['none, where it is an error', json('{"p":2}', 500), null],
  ['none, where there is no answer', reset, null],
  ['its number, where the live answer has none', json('{"p":2}'), 2, json('text')],
  ['nobody knows what, where a body was not read', json('{"p":2}'), undefined, zipped],
] as const satisfies readonly (readonly [string, Answer, number | null | undefined, Answer?])[]) {
  t.test(`what the canary predicts is kept for the label: ${what}`, async (t) => {
    const { post, settled, ledger } = await startJudged(t, { live, shadow }, { service: OBSERVED })
    const tickets: PairTicket[] = []
    const begin = ledger.begin.bind(ledger)
    ledger.begin = (segment) => {
      const ticket = begin(segment)
      if (ticket !== null) tickets.push(ticket)
      return ticket
    }
    await post()
    await settled()
    t.same(
      tickets.map(({ done, copyPrediction }) => [done, copyPrediction]),
      [[true, prediction]],
    )
  })
}

t.test('a copy that has no answer in time is a failure of the canary', async (t) => {
  const shadow = { timeout: timeouts({ firstByteMs: 50 }) }
  const { post, settled } = await startJudged(t, { shadow: () => {} }, { shadow })
  await post()
  t.same(await settled(), { pairs: 1, canaryFailed: 1, compared: 1, disagreed: 1 })
})

t.test('copies that serin breaks off itself are no pairs', async (t) => {
  const { post, ledger, book, gateway } = await startJudged(t, { shadow: () => {} })
  await post()
  await untilBook(book, ({ inFlight }) => inFlight === 1)
  ledger.turn(null, 1)
  t.same(ledger.settle(1), [])
  await gateway.server.close()
  t.match(ledger.settle(1), [{ counts: { pairs: 0 } }], 'it settled without a pair')
  ledger.turn(OPENING, 2)
  ledger.turn(null, 3)
  t.match(ledger.settle(3), [{ counts: { pairs: 0 } }], 'and holds up nothing')
})
