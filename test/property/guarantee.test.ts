import t from 'tap'
import { actsOf, EndCounts } from './guarantee/count-ends.ts'
import { drawLife, type Canary } from './guarantee/draw-life.ts'
import { leadLife } from './guarantee/lead-life.ts'

/**
 * Rollouts that nobody chose: drawn configurations, traffic and operators, led by the evaluator on a virtual clock.
 * `SEED=1 RUNS=500 REQUESTS=3000 node build/test/property/guarantee.test.js` leads others, and more of them.
 */
const { SEED = '1', RUNS, REQUESTS = '500' } = process.env

/** What is outside of α, and has a bound of its own. */
const OUTSIDE = 0.05

/** Guards have an α of 0.1 % each; a life has some. */
const GUARDS = 0.01

async function lead(canary: Canary, runs: number) {
  const [back, limit, breaker, pause, promotion] = Array.from({ length: 5 }, () => new EndCounts())
  for (let seed = Number(SEED); seed < Number(SEED) + runs; seed++) {
    const life = drawLife(seed, canary, Number(REQUESTS))
    const led = await leadLife(life)
    if (led.errors.length > 0) t.fail(`seed ${seed}: ${String(led.errors[0])}`)
    const acts = actsOf(led)
    const { alphaRollback, alphaPromote } = life.service.rollout!.analysis
    back!.add(life, acts.evidence, alphaRollback)
    limit!.add(life, acts.limit, OUTSIDE)
    pause!.add(life, acts.pause, alphaRollback + GUARDS)
    promotion!.add(life, acts.promotion, alphaPromote)
    breaker!.add(life, acts.breaker, OUTSIDE)
  }
  const counts = {
    back: back!,
    limit: limit!,
    breaker: breaker!,
    pause: pause!,
    promotion: promotion!,
  }
  const told = Object.entries(counts).map(([what, { all }]) => `${what} ${all}`)
  t.comment(`${canary}: ${told.join(', ')}`)
  return counts
}

t.test('a canary that is alike is rolled back or paused as seldom as is promised', async (t) => {
  const { promotion, ...wrong } = await lead('alike', Number(RUNS ?? 12))
  for (const [what, counts] of Object.entries(wrong)) t.same(counts.beyond(), [], what)
  t.ok(promotion.by.get('all')!.hits > 0, 'and some are promoted')
})

t.test('a canary at its margin is promoted by a proof as seldom as is promised', async (t) => {
  const { promotion } = await lead('at margin', Number(RUNS ?? 3))
  t.same(promotion.beyond(), [])
})

t.test('a canary that is far worse is not promoted by a proof, and found', async (t) => {
  const { promotion, back } = await lead('far worse', Number(RUNS ?? 5))
  t.same(promotion.beyond(), [])
  t.ok(back.by.get('all')!.hits > 0)
})
