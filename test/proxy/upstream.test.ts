import t from 'tap'
import { pickUpstream } from '../../src/proxy/pick-upstream.ts'
import { judgeUpstream, readinessOf, type VariantTarget } from '../../src/proxy/variant-target.ts'
import { buildTarget } from './build-target.ts'

const EJECT = { consecutiveFailures: 3, baseMs: 1000, maxMs: 5000 }
const CHECK = { path: '/ready', intervalMs: 1000, unhealthyAfter: 1, healthyAfter: 1 }

/** Draws one after the other; drawing more than there are is a mistake. */
function draws(...values: readonly number[]): () => number {
  const left = [...values]
  return () => {
    const next = left.shift()
    if (next === undefined) throw new Error('drawn once too often')
    return next
  }
}

/** Index of the upstream that is picked. */
function pick(target: VariantTarget, draw: () => number, now = 0, avoid: number | null = null) {
  const found = pickUpstream(target, draw, now, avoid === null ? null : target.upstreams[avoid]!)
  return found === null ? null : target.upstreams.indexOf(found)
}

t.test('of two different upstreams the one with less to do is taken', async (t) => {
  const target = buildTarget(3)
  for (const [n, inFlight] of [3, 1, 2].entries()) target.upstreams[n]!.inFlight = inFlight
  t.equal(pick(target, draws(0, 0.5)), 1, 'the first or the second')
  t.equal(pick(target, draws(0, 0)), 2, 'the first or, for the same one drawn twice, the last')
  t.equal(pick(target, draws(0.5, 0)), 1, 'the second or the first')
  t.equal(pick(target, draws(0.9, 0)), 2, 'the last or the first')
  t.equal(pick(buildTarget(1), draws()), 0, 'nothing is drawn for a single one')
})

t.test('every pair of upstreams is compared equally often', async (t) => {
  const target = buildTarget(4)
  const counts = new Map<string, number>()
  for (let one = 0; one < 4; one++) {
    for (let other = 0; other < 3; other++) {
      // Whoever has less to do is told apart by giving the first drawn one much to do.
      target.upstreams[one]!.inFlight = 9
      const found = pick(target, draws(one / 4, other / 3))!
      target.upstreams[one]!.inFlight = 0
      const pair = `${one} ${found}`
      counts.set(pair, (counts.get(pair) ?? 0) + 1)
    }
  }
  t.equal(counts.size, 12)
  t.ok([...counts.values()].every((count) => count === 1))
})

t.test('an upstream that is down is passed over', async (t) => {
  const target = buildTarget(3)
  target.upstreams[0]!.checked('down', 0)
  t.equal(pick(target, draws(0, 0.5)), 1)
  t.equal(pick(target, draws(0.5, 0)), 1)
  target.upstreams[1]!.checked('down', 0)
  t.equal(pick(target, draws(0, 0.5, 0)), 2, 'the one that is left')
})

t.test('where all are down, those that only do not accept connections are tried', async (t) => {
  const byConnecting = buildTarget(2)
  const byCheck = buildTarget(2, { health: CHECK })
  for (const { upstreams } of [byConnecting, byCheck]) {
    for (const upstream of upstreams) upstream.checked('down', 0)
  }
  t.equal(pick(byConnecting, draws(0, 0, 0)), 0)
  t.equal(pick(byCheck, draws(0, 0)), null)
  const single = buildTarget(1, { health: CHECK })
  t.equal(pick(single, draws()), 0, 'before the first check nothing is known')
  single.upstreams[0]!.checked('down', 0)
  t.equal(pick(single, draws()), null)
})

t.test('the one that was tried before is avoided while there is another', async (t) => {
  const target = buildTarget(2)
  t.equal(pick(target, draws(0, 0), 0, 0), 1)
  t.equal(pick(target, draws(0.5, 0), 0, 0), 1)
  target.upstreams[1]!.checked('down', 0)
  t.equal(pick(target, draws(0, 0, 0), 0, 0), 0, 'the healthy one again')
})

t.test(
  'where the others are ejected, one of them is tried rather than the same again',
  async (t) => {
    for (const more of [{}, { health: CHECK }]) {
      const target = buildTarget(3, { eject: EJECT, ...more })
      const { upstreams } = target
      upstreams[1]!.eject(0)
      t.equal(pick(target, draws(0, 0.5), 1, null), 0)
      upstreams[2]!.checked('down', 0)
      t.equal(pick(target, draws(0, 0, 0), 1, 0), 1, 'ejected, and alive')
      upstreams[1]!.checked('down', 0)
      t.equal(pick(target, draws(0, 0, 0), 1, 0), 0, 'nobody else is well')
    }
  },
)

t.test('an ejection ends when checks find the upstream back; the next is longer', async (t) => {
  const { upstreams } = buildTarget(2, { eject: EJECT, slowStartMs: 1000 })
  const one = upstreams[0]!
  one.checked('up', 0)
  t.equal(one.eject(0), 1000)
  one.checked('up', 100)
  t.ok(one.isEjected(100), 'checks that stay good say nothing new')
  one.checked('down', 200)
  t.ok(one.isEjected(200))
  for (let n = 0; n < 2; n++) one.failed(250)
  one.checked('up', 300)
  t.ok(one.isAvailable(300))
  t.equal(one.share(300), 0.1)
  t.equal(one.share(800), 0.5, 'it starts slowly from now on')
  t.equal(one.failed(300), false, 'what failed while it was away is no row')
  t.equal(one.eject(400), 2000)
  one.checked('down', 500)
  one.checked('up', 2600)
  t.equal(one.share(2600), 0.1)
  for (let n = 0; n < 3; n++) one.failed(2400 + 5000)
  t.equal(one.eject(2400 + 5000), 4000, 'the longest time has not passed since the last')
  one.checked('down', 7500)
  one.checked('up', 7600)
  one.failed(7600 + 5001)
  t.equal(one.eject(7600 + 5001), 1000, 'it has been well for long enough')
})

t.test('too many failures in a row eject an upstream, for longer each time', async (t) => {
  const target = buildTarget(2, { eject: EJECT })
  const one = target.upstreams[0]!
  const fail = (times: number, now: number) =>
    Array.from({ length: times }, () => judgeUpstream(target, one, true, now)).at(-1)
  t.equal(fail(2, 0), 0)
  t.equal(judgeUpstream(target, one, false, 0), 0, 'a success ends the row')
  t.equal(fail(2, 0), 0)
  t.equal(fail(1, 0), 1000)
  t.ok(one.isEjected(999))
  t.notOk(one.isEjected(1000))
  t.equal(pick(target, draws(0, 0), 10), 1)
  t.equal(fail(3, 1000), 2000)
  t.equal(fail(3, 3000), 4000)
  t.equal(fail(3, 7000), 5000, 'at most the longest')
  t.equal(fail(3, 12_000 + 5001), 1000, 'it has been well for long enough')
})

t.test('the last upstream is never ejected', async (t) => {
  const target = buildTarget(2, { eject: EJECT })
  const [one, two] = target.upstreams
  for (let n = 0; n < 3; n++) judgeUpstream(target, one!, true, 0)
  t.ok(one!.isEjected(1))
  for (let n = 0; n < 9; n++) t.equal(judgeUpstream(target, two!, true, 1), 0)
  t.notOk(two!.isEjected(1))
  const alone = buildTarget(1, { eject: EJECT })
  for (let n = 0; n < 9; n++) t.equal(judgeUpstream(alone, alone.upstreams[0]!, true, 0), 0)
  two!.checked('down', 1)
  t.equal(pick(target, draws(0, 0, 0), 1), 0, 'an ejected one answers where the other is down')
})

t.test('without ejection configured failures are not counted', async (t) => {
  const target = buildTarget(2)
  for (let n = 0; n < 99; n++) t.equal(judgeUpstream(target, target.upstreams[0]!, true, 0), 0)
})

t.test('an upstream that comes back gets its share little by little', async (t) => {
  const target = buildTarget(2, { eject: EJECT, slowStartMs: 10_000 })
  const [one] = target.upstreams
  t.equal(one!.share(0), 1, 'nothing has happened yet')
  one!.checked('up', 0)
  t.equal(one!.share(0), 1, 'the first finding is no return')
  one!.checked('down', 100)
  one!.checked('up', 200)
  t.equal(one!.share(200), 0.1)
  t.equal(one!.share(5200), 0.5)
  t.equal(one!.share(10_200), 1)
  t.equal(pick(target, draws(0, 0, 0.49), 5200), 0)
  t.equal(pick(target, draws(0, 0, 0.51), 5200), 1)
  t.equal(pick(target, draws(0.5, 0, 0.51), 5200), 1, 'whichever was drawn first')
  one!.failed(20_000)
  one!.eject(20_000)
  t.equal(one!.share(21_000), 0.1, 'after an ejection as well')
})

t.test(
  'a variant is ready while one of its upstreams is well, and down since the last',
  async (t) => {
    const { upstreams } = buildTarget(2)
    const of = (healthy: number, all = 2) => ({ upstreams: { healthy, all } })
    t.same(readinessOf(upstreams, 5), { ready: false, downForMs: 0, ...of(0) }, 'not known yet')
    upstreams[0]!.checked('up', 0)
    upstreams[1]!.checked('down', 0)
    t.same(readinessOf(upstreams, 5), { ready: true, downForMs: 0, ...of(1) })
    upstreams[0]!.checked('down', 10)
    t.same(readinessOf(upstreams, 15), { ready: false, downForMs: 5, ...of(0) })
    const unknown = { ready: false, downForMs: 0, ...of(0, 1) }
    t.same(readinessOf(buildTarget(1).upstreams, 5), unknown)
  },
)
