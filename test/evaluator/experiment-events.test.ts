import t from 'tap'
import { ExperimentWorld, threeWay, type Fate } from '../fakes/experiment-world.ts'
import { BASKET, CLICKS, CONVERSION, REVENUE, TOKENS } from '../fakes/simulated-service.ts'

const RANDOM_UNIT = [false, true] as const
const purchase = (amount: number) => ({ name: 'purchase', value: null, values: { amount } })
const plain = (name: string) => ({ name, value: null, values: null })

for (const keyed of RANDOM_UNIT) {
  t.test(`events decide which challenger sells, ${keyed ? 'by key' : 'by request'}`, async (t) => {
    const world = await ExperimentWorld.begin(threeWay([CONVERSION, REVENUE], keyed))
    const share: Record<string, number> = { baseline: 0.3, b: 0.5, c: 0.1 }
    await world.run(30, (variant, random) => ({
      events: random() < share[variant]! ? [purchase(2), purchase(2)] : [],
    }))
    t.same(world.verdicts(), { b: 'better', c: 'worse' })
    const [b, c] = world.view.comparisons
    for (const [comparison, expected] of [
      [b, 0.5],
      [c, 0.1],
    ] as const) {
      const [conversion, revenue] = comparison!.metrics.map((m) => m.report)
      t.ok(Math.abs(conversion!.canary.value! - expected) < 0.02, `${conversion!.canary.value}`)
      t.ok(Math.abs(conversion!.baseline.value! - 0.3) < 0.02, `${conversion!.baseline.value}`)
      t.ok(Math.abs(revenue!.canary.value! - 4 * expected) < 0.1, 'both events of a unit count')
      t.equal(conversion!.canary.n, revenue!.canary.n, 'units without an event count as 0')
    }
    t.equal(world.results.late, 0)
    t.same(world.errors, [])
  })
}

t.test('means of events and of answers, and ratios, are compared', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([BASKET, CLICKS, TOKENS]))
  const better = (variant: string) => variant === 'b'
  await world.run(30, (variant, random) => ({
    events: [
      purchase((better(variant) ? 6 : 3) * (0.5 + random())),
      plain('view'),
      ...(random() < (better(variant) ? 0.6 : 0.3) ? [plain('click')] : []),
    ],
    numbers: { '/tokens': (better(variant) ? 2 : variant === 'c' ? 8 : 4) * (0.5 + random()) },
  }))
  const words = world.view.comparisons.map((c) =>
    Object.fromEntries(c.metrics.map((m) => [m.report.name, m.verdict])),
  )
  t.match(words[0], { basket: 'better', clicks: 'better', tokens: 'better' })
  t.equal(words[0]!['basket/above-cap'], null, 'where higher is better nothing above is proved')
  t.match(words[1], { tokens: 'worse' })
  t.same(world.verdicts(), { b: 'better', c: 'worse' })
})

t.test('large values that become rarer count against a challenger', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([REVENUE]))
  await world.run(30, (variant, random) => ({
    events: [purchase(random() < (variant === 'c' ? 0.02 : 0.2) ? 100 : 9.9)],
  }))
  const [b, c] = world.view.comparisons
  const above = (comparison: typeof b) =>
    comparison!.metrics.find((m) => m.report.name === 'revenue/above-cap')!
  t.equal(above(b).verdict, null, 'nothing is to be proved')
  t.equal(above(c).verdict, 'worse')
  t.equal(c!.verdict, 'worse', 'though the capped mean is within the margin')
  t.not(b!.verdict, 'worse')
})

t.test('events come to what is stored, and go on after a restart', async (t) => {
  const configured = threeWay([{ ...CONVERSION, windowMs: 5000 }])
  const world = await ExperimentWorld.begin(configured)
  await world.run(20, (_, random) => ({ events: random() < 0.3 ? [purchase(1)] : [] }))
  const before = world.view.comparisons[0]!.metrics[0]!.report.baseline.n
  await world.restart()
  await world.run(20, (_, random) => ({ events: random() < 0.3 ? [purchase(1)] : [] }))
  const { n, value } = world.view.comparisons[0]!.metrics[0]!.report.baseline
  t.ok(n > before + 5_000, `${n}`)
  t.ok(Math.abs(value! - 0.3) < 0.02, `${value}`)
  t.same(world.errors, [])
})

t.test('an event of another attempt is late, and its unit keeps its totals', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([CONVERSION]))
  await world.run(1, () => ({}))
  const prediction = {
    ...{ service: 'svc', requestId: 'r', value: 1, at: world.clock.ms, rollout: '1.4 vs B vs C#9' },
    ...{ cohort: 1, side: 0 as const, variant: 'baseline', unit: null },
  }
  const event = { ...purchase(1), at: world.clock.ms }
  t.match(world.evaluator.event(prediction, [1], event), { result: 'late', totals: [1] })
  t.match(world.evaluator.event({ ...prediction, rollout: world.view.id }, [1], event), {
    result: 'late',
    totals: [1],
  })
  t.equal(world.evaluator.label(prediction, 1).result, 'late')
  t.match(world.evaluator.event({ ...prediction, service: 'gone' }, [], event), { result: 'late' })
})

t.test(
  'while a cap is learnt an experiment says so, and then compares what comes after',
  async (t) => {
    const world = await ExperimentWorld.begin(threeWay([{ ...REVENUE, cap: null }]))
    const sell: Fate = (_, random) => ({ events: random() < 0.1 ? [purchase(3)] : [] })
    await world.run(10, sell)
    const first = world.view.comparisons[0]!.metrics[0]!
    t.equal(first.verdict, 'unknown')
    t.equal(first.report.canary.n, 0)
    t.match(
      first.missing,
      /^its cap is learnt first, from 1,000 values of the baseline, and none is/,
    )
    await world.run(20, sell)
    const later = world.view.comparisons[0]!.metrics[0]!
    t.equal(later.missing, null)
    const { challenger } = world.view.comparisons[0]!.units
    t.ok(
      later.report.canary.n > 0 && later.report.canary.n < challenger * 0.8,
      'those of that time are left out',
    )
  },
)

t.test('no interval includes what the verdict of its line excludes', async (t) => {
  const world = await ExperimentWorld.begin(threeWay([REVENUE, BASKET]))
  const factor: Record<string, number> = { baseline: 1, b: 1.5, c: 0.6 }
  const seen = new Set<string>()
  const sell: Fate = (variant, random) => ({
    events: random() < 0.2 ? [purchase(factor[variant]! * 4 * random() ** 3)] : [],
  })
  for (let second = 0; second < 30; second++) {
    await world.run(1, sell, 400)
    for (const { variant, metrics } of world.view.comparisons) {
      for (const { report, verdict } of metrics) {
        if (report.ratio?.method !== 'asymptotic') continue
        const { lower, upper } = report.ratio
        const excludes = { better: lower >= 1, 'no-worse': lower >= 0.95, worse: upper <= 1 }
        const agrees = verdict === 'unknown' || excludes[verdict!]
        t.ok(agrees, `${second} s: ${variant} ${report.name} ${verdict} (${lower} to ${upper})`)
        seen.add(verdict!)
      }
    }
  }
  t.same([...seen].sort(), ['better', 'no-worse', 'unknown', 'worse'])
})
