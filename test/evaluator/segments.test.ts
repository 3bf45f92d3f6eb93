import t from 'tap'
import { createRandom } from '../../src/demo/seeded-random.ts'
import { errorOf, simulate } from '../fakes/quick-rollout.ts'
import { ERRORS, LATENCY, RMSE } from '../fakes/simulated-service.ts'

const segments = ['gold', 'silver']

/** A tenth of the requests is gold, three tenths are silver. */
function drawSegment(seed: number): () => string {
  const random = createRandom(seed)
  return () => {
    const at = random()
    return at < 0.1 ? 'gold' : at < 0.4 ? 'silver' : 'other'
  }
}

t.test(
  'a canary that fails for one segment alone is rolled back, and the segment named',
  async (t) => {
    const metrics = (apart: readonly string[]) => [
      { ...ERRORS, maxChange: 1, ...(apart.length === 0 ? {} : { segments: apart }) },
    ]
    // 1 % of all; in gold 1 % on the baseline and 8 % on the canary, which is 1.7 % of all its requests.
    const fate = (random: () => number, variant: string, _ms: number, segment: string | null) => ({
      outcome:
        random() < (variant === 'canary' && segment === 'gold' ? 0.08 : 0.01)
          ? ('failed' as const)
          : ('ok' as const),
    })
    const segment = drawSegment(1)
    const whole = await simulate(1, 0, fate, metrics([]), { segment })
    t.ok(await whole.run(60_000, (s) => s.phase === 'promoted'), 'fine on the whole')
    const apart = await simulate(1, 0, fate, metrics(segments), { segment: drawSegment(1) })
    await apart.run(6000, () => false)
    t.equal(apart.state.phase, 'progressing')
    await apart.restart()
    t.ok(await apart.run(60_000, (s) => s.phase === 'rolled-back'))
    t.match(apart.state, { rolledBackReason: 'errors@gold' })
    t.match(apart.store.log.at(-1), {
      reason: 'errors@gold',
      summary: /^Rolled back by errors@gold: .*"more than 100 % worse"/,
    })
    const reports = apart.store.log.at(-1)!.metrics
    t.match(
      reports.filter((r) => r.name.startsWith('errors')).map((r) => [r.name, r.verdict]),
      [
        ['errors', /inconclusive|successful/],
        ['errors@gold', 'failed'],
        ['errors@silver', /inconclusive|successful/],
      ],
    )
    t.same(apart.errors, [])
  },
)

t.test('labels are booked to the segment of their request, across a restart', async (t) => {
  const simulation = await simulate(
    2,
    60_000,
    (random, variant, _ms, segment) => ({
      error: errorOf(random, variant === 'canary' && segment === 'gold' ? 9 : 3),
    }),
    [{ ...RMSE, maxChange: 0.5, segments }],
    { segment: drawSegment(2) },
  )
  await simulation.run(5000, () => false)
  await simulation.restart()
  t.ok(await simulation.run(60_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state, { rolledBackReason: 'rmse@gold' })
  t.same(simulation.errors, [])
})

t.test('a canary that is slow for one segment is rolled back on its latency', async (t) => {
  const simulation = await simulate(
    3,
    0,
    (random, variant, _ms, segment) => ({
      // Silver is slow on both sides: its own quantile is what it is compared at.
      latencyMs:
        (segment === 'silver' ? 200 : 20) *
        (1 + random()) *
        (variant === 'canary' && segment === 'silver' ? 1.5 : 1),
    }),
    [{ ...LATENCY, segments: ['silver'] }],
    { segment: drawSegment(3) },
  )
  t.ok(await simulation.run(60_000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.state.phase === 'rolled-back' && simulation.state.rolledBackReason, /^latency/)
  const silver = simulation.store.log.at(-1)!.metrics.find((r) => r.name === 'latency@silver')!
  t.equal(silver.verdict, 'failed')
  t.ok(silver.baseline.value! > 300, `its own p95: ${silver.baseline.value}`)
})
