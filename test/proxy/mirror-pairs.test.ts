import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { PairCounts } from '../../src/domain/pairs.ts'
import { PairLedger, type PairTicket } from '../../src/metrics/pair-ledger.ts'
import { timeouts } from '../support/start-gateway.ts'
import { startMirrored, untilBook, type Answer } from './mirror-gateway.ts'

/** A gateway whose mirror's pairs are evidence, as in a mirror step of a rollout. */
async function startJudged(
  t: Test,
  answers: { readonly live?: Answer; readonly shadow?: Answer },
  more: Parameters<typeof startMirrored>[2] = {},
) {
  const started = await startMirrored(t, answers, more)
  const ledger = new PairLedger([], true)
  started.book.ledger = ledger
  ledger.turn(OPENING, 0)
  /** Closes the interval and waits until all of its pairs are known. */
  const settled = async (): Promise<Partial<PairCounts>> => {
    ledger.turn(null, 1)
    for (;;) {
      const [found] = ledger.settle(1)
      if (found !== undefined) {
        return Object.fromEntries(Object.entries(found.counts).filter(([, count]) => count > 0))
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { ...started, ledger, settled }
}

const json = (text: string, status = 200): Answer => {
  return (_req, res) => res.writeHead(status).end(text)
}
const OBSERVE = {
  ...{ requestIdHeader: 'x-id', prediction: '/p', sample: 1 },
  ...{ numbers: [], awaitsEvents: false },
}
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

for (const [what, shadow, prediction, live = json('{"p":1}')] of [
  ['its number', json('{"p":2}'), 2],
  ['its number, also where both are the same', json('{"p":1}'), 1],
  ['its number, also where the forms differ', json('{"p":2,"q":0}'), 2],
  ['none, where it says a text', json('{"p":"2"}'), null],
  ['none, where it is an error', json('{"p":2}', 500), null],
  ['none, where there is no answer', reset, null],
  ['nobody knows what, where a body was not read', json('{"p":2}'), undefined, json('text')],
] as const satisfies readonly (readonly [string, Answer, number | null | undefined, Answer?])[]) {
  t.test(`what the canary predicts is kept for the label: ${what}`, async (t) => {
    const service = { observe: OBSERVE }
    const { post, settled, ledger } = await startJudged(t, { live, shadow }, { service })
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
