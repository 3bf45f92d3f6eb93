import t from 'tap'
import { Turn } from '../../src/evaluator/turn.ts'
import { LOOK_MS } from '../../src/evaluator/evaluator.ts'

const START = 1_800_000_000_000
const INTERVAL = { intervalMs: 2000 }

/** Turns of services beside `judged` in all, for so long after a first one, with `rps` requests a second each. */
function turnsOf(judged: number, rps: number, ms: number, terms = INTERVAL, services = judged) {
  const all = Array.from({ length: services }, (_, n) => {
    const book = { draws: { begun: 0, drawn: 0, unkeyed: 0 }, fade: () => {} }
    return { turn: new Turn(`service-${n}`), book, at: [] as number[] }
  })
  const perLook: number[] = []
  for (let now = START; now <= START + ms; now += LOOK_MS) {
    let turned = 0
    for (const { turn, book, at } of all) {
      book.draws.begun = Math.round(((now - START) * rps) / 1000)
      if (!turn.isDue(now, terms, judged, book)) continue
      turn.take(now, book)
      at.push(now)
      turned += 1
    }
    perLook.push(turned)
  }
  const waits = all.flatMap(({ at }) => at.slice(1).map((each, n) => each - at[n]!))
  return { perLook, waits, all }
}

t.test('each of some services turns once an interval', (t) => {
  for (const judged of [0, 1, 200]) {
    const { waits } = turnsOf(judged, 1, 60_000, INTERVAL, 3)
    t.same(new Set(waits), new Set([2000]), `${judged} services`)
    t.equal(waits.length, 3 * 30)
  }
  t.end()
})

t.test(
  'of many, those with few requests wait in proportion, and as many turn at one look as at another',
  (t) => {
    const { waits, perLook } = turnsOf(800, 5, 80_000)
    // The first wait of each lasts until a moment of its own.
    t.ok(waits.every((ms) => ms >= 2000 && ms < 10_000))
    t.equal(waits.toSorted((a, b) => a - b)[waits.length / 2], 8000)
    const settled = perLook.slice((20 * 1000) / LOOK_MS)
    const mean = settled.reduce((sum, n) => sum + n, 0) / settled.length
    t.equal(Math.round(mean), 800 / (8000 / LOOK_MS))
    t.ok(
      Math.max(...settled) < 2 * mean,
      `at most ${Math.max(...settled)} at a look, ${mean} of them usual`,
    )
    t.end()
  },
)

t.test('nobody waits for more than 10 s', (t) => {
  const { waits } = turnsOf(100_000, 1, 60_000, INTERVAL, 50)
  t.equal(waits.toSorted((a, b) => b - a)[0]! < 12_000, true)
  t.equal(waits.toSorted((a, b) => a - b)[waits.length / 2], 10_000)
  t.end()
})

t.test('50 requests are not waited with, nor is an interval shortened', (t) => {
  t.same(new Set(turnsOf(1000, 25, 30_000, INTERVAL, 5).waits), new Set([2000]), 'at 25 a second')
  const { waits } = turnsOf(1000, 10, 30_000, INTERVAL, 20)
  t.equal(Math.max(...waits), 5000, 'at 10 a second')
  const long = { intervalMs: 60_000 }
  t.same(new Set(turnsOf(1000, 1, 300_000, long, 5).waits), new Set([60_000]))
  t.end()
})

t.test('it can be hastened', (t) => {
  const { all } = turnsOf(1000, 0, 0, INTERVAL, 1)
  const [{ turn, book }] = all as [(typeof all)[0]]
  t.notOk(turn.isDue(START + 1, INTERVAL, 1000, book))
  turn.hasten()
  t.ok(turn.isDue(START + 1, INTERVAL, 1000, book))
  t.end()
})
