import t from 'tap'
import type { MetricSpec } from '../../src/domain/rollout-spec.ts'
import type { FetchProvider } from '../../src/evaluator/provider-fetcher.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { GPU, SCORE, terms } from '../fakes/measurements.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, weightSteps } from '../fakes/simulated-service.ts'
import type { Simulation, SimulationOptions } from '../fakes/simulation.ts'

/** A Prometheus of which a test says what it answers, and that notes what it is asked. */
function prometheus(value: (version: string) => string) {
  const asked: string[] = []
  const fetchProvider: FetchProvider = ({ url }) => {
    const query = new URL(url).searchParams.get('query')!
    asked.push(query)
    const text = value(/version="([^"]+)"/.exec(query)?.[1] ?? '')
    if (text === 'down') return Promise.reject(new Error('refused the connection'))
    const result = text === 'empty' ? [] : [{ metric: {}, value: [1, text] }]
    const data = { status: 'success', data: { resultType: 'vector', result } }
    return Promise.resolve({ status: 200, body: JSON.stringify(data) })
  }
  return { asked, fetchProvider }
}

/** A quick rollout of an equal canary, with these metrics. */
function rollout(metrics: readonly MetricSpec[], change: Partial<SimulationOptions>) {
  return simulate(31, 0, () => ({}), metrics, { rps: 2000, ...change })
}

const named = (simulation: Simulation, name: string) =>
  simulation.evaluator.view('svc')!.metrics.find((m) => m.name === name)!

t.test('a canary whose gauge is within its limit is promoted with it', async (t) => {
  const provider = prometheus((version) => (version === '2.0' ? '0.7' : '0.6'))
  const simulation = await rollout([{ ...ERRORS, floor: 0.05 }, GPU], provider)
  t.ok(await simulation.run(60_000, (s) => s.step === 2))
  t.match(named(simulation, 'gpu'), {
    verdict: 'successful',
    baseline: { value: 0.6, n: 1 },
    canary: { value: 0.7, n: 1 },
    outsideAlpha: true,
    required: true,
  })
  t.ok(await simulation.run(60_000, (s) => s.phase === 'watching'))
  t.match(
    simulation.store.log.at(-1)!.summary,
    /shown to be no worse; gpu within limits \(outside α\)/,
  )
  const before = provider.asked.length
  await simulation.run(1500, () => false)
  const inWatch = provider.asked.slice(before)
  t.ok(inWatch.length > 0, 'armed in the watch')
  t.notOk(
    inWatch.some((q) => q.includes('1.4')),
    'the baseline has no traffic to ask about',
  )
  t.ok(await simulation.run(20_000, (s) => s.phase === 'promoted'))
  const asked = provider.asked.length
  await simulation.run(5000, () => false)
  t.equal(provider.asked.length, asked, 'nobody is asked once it is over')
  t.same(simulation.errors, [])
})

t.test('case 20, initial delay: nobody is asked in warm-up, then at the interval', async (t) => {
  const provider = prometheus(() => '0.5')
  const simulation = await rollout([GPU], provider)
  await simulation.run(1900, () => false)
  t.equal(provider.asked.length, 0)
  await simulation.run(500, () => false)
  t.equal(provider.asked.length, 2, 'the canary and the baseline, at once')
  await simulation.run(10_000, (s) => s.step === 1)
  const seconds = Math.floor((simulation.elapsedMs - 2000) / 1000)
  t.ok(provider.asked.length <= 2 * (seconds + 1), `${provider.asked.length} in ${seconds} s`)
})

t.test('three polls beyond its limit roll the canary back, two do not', async (t) => {
  let polls = 0
  const provider = prometheus((version) => (version === '2.0' && ++polls > 1 ? '0.95' : '0.5'))
  const simulation = await rollout([ERRORS, GPU], provider)
  t.ok(await simulation.run(20_000, () => polls === 3))
  await simulation.run(500, () => false)
  t.match(named(simulation, 'gpu'), { verdict: 'inconclusive', limit: { ticksBeyond: 2 } })
  t.equal(simulation.state.phase, 'progressing')
  t.ok(await simulation.run(2000, (s) => s.phase === 'rolled-back'))
  t.match(simulation.store.log.at(-1), {
    reason: 'gpu',
    summary:
      /by gpu, beyond its limit of 0.9: 0.95 on the canary .* 0.5 on the baseline .*\(outside α\)/,
  })
})

t.test('both variants beyond the limit hold: it says nothing about the canary', async (t) => {
  const simulation = await rollout(
    [ERRORS, GPU],
    prometheus(() => '0.95'),
  )
  await simulation.run(15_000, () => false)
  t.match(simulation.state, { phase: 'progressing', step: 0, holdReason: 'limit' })
  t.match(simulation.evaluator.view('svc')!.missing, [/gpu: both variants are beyond 0.9/])
})

for (const [how, text, reason] of [
  ['down', 'down', 'refused the connection'],
  ['answering no series', 'empty', 'the query found no series'],
  ['answering NaN', 'NaN', 'the query has NaN as its result, which is no number'],
] as const) {
  t.test(`a provider ${how} is an error: it blocks the advance and never fails`, async (t) => {
    let isWell = false
    const simulation = await rollout(
      [{ ...ERRORS, floor: 0.05 }, GPU],
      prometheus(() => (isWell ? '0.5' : text)),
    )
    await simulation.run(20_000, () => false)
    t.match(simulation.state, { phase: 'progressing', step: 0, holdReason: 'error' })
    t.match(named(simulation, 'gpu'), { verdict: 'error', error: `canary: ${reason}` })
    t.same(simulation.evaluator.view('svc')!.missing, [
      `gpu: could not be read (canary: ${reason})`,
    ])
    t.match(simulation.store.log.at(-1)!.summary, `gpu: could not be read (canary: ${reason})`)
    isWell = true
    t.ok(await simulation.run(60_000, (s) => s.step === 1), 'and goes on when it is back')
  })
}

t.test('an outage between two polls beyond the limit neither fails nor acquits', async (t) => {
  const said = ['0.95', 'down', '0.95', 'down', '0.95', '0.95']
  let polls = -1
  const provider = prometheus((version) => (version === '2.0' ? said[++polls]! : '0.5'))
  const simulation = await rollout([ERRORS, GPU], provider)
  t.ok(await simulation.run(30_000, (s) => s.phase === 'rolled-back'))
  t.equal(polls, 4, 'the third that was beyond')
})

t.test('a provider that reports or warns holds nobody up', async (t) => {
  for (const change of [{ mode: 'report' }, { onFailure: 'warn' }] as const) {
    const provider = prometheus((version) => (version === '2.0' ? '0.95' : '0.5'))
    const simulation = await rollout(
      [
        { ...ERRORS, floor: 0.05 },
        { ...GPU, ...change },
      ],
      provider,
    )
    t.ok(await simulation.run(60_000, (s) => s.step === 2))
    await simulation.run(4000, () => false)
    t.match(named(simulation, 'gpu'), { verdict: 'failed', required: false })
  }
})

t.test('an answer from before a step is none about its weight', async (t) => {
  const provider = prometheus(() => '0.5')
  const slow = { ...GPU, intervalMs: 20_000 }
  const simulation = await rollout([{ ...ERRORS, floor: 0.05 }, slow], provider)
  t.ok(await simulation.run(30_000, (s) => s.step === 1))
  await simulation.run(3000, () => false)
  t.match(named(simulation, 'gpu'), { verdict: 'inconclusive', canary: { value: null, n: 0 } })
  t.same(simulation.evaluator.view('svc')!.missing, ['gpu: not asked for in this step yet'])
  t.ok(await simulation.run(20_000, (s) => s.step === 2))
})

t.test(
  'a provider that never comes back is stale, and asked no second time meanwhile',
  async (t) => {
    let asked = 0
    const fetchProvider: FetchProvider = () =>
      ++asked > 1 ? new Promise(() => {}) : Promise.resolve({ status: 200, body: '{"score":0.7}' })
    const steps = weightSteps([5, 100], 1_000_000)
    const simulation = await rollout([ERRORS, SCORE], {
      fetchProvider,
      service: quickService({ spec: { steps }, analysis: { metrics: [ERRORS, SCORE] } }),
    })
    await simulation.run(4000, () => false)
    t.match(named(simulation, 'score'), { verdict: 'successful', canary: { value: 0.7 } })
    await simulation.run(4000, () => false)
    t.match(named(simulation, 'score'), {
      verdict: 'error',
      error: /^the last answer is [56]s old$/,
    })
    t.equal(asked, 2)
  },
)

t.test(
  'case 23, a restart: what is counted goes on, what was under way is not doubled',
  async (t) => {
    const counted = { ...GPU, threshold: terms({ failureLimit: 3 }) }
    const provider = prometheus((version) => (version === '2.0' ? '0.95' : '0.5'))
    const simulation = await rollout([ERRORS, counted], provider)
    const counts = () => named(simulation, 'gpu').threshold!.counts
    t.ok(
      await simulation.run(
        20_000,
        () => simulation.evaluator.view('svc')!.metrics.length > 0 && counts().failed === 2,
      ),
    )
    await simulation.restart()
    await simulation.run(250, () => false)
    t.match(counts(), { failed: 2, successful: 0, error: 0 })
    const asked = provider.asked.length
    t.ok(await simulation.run(20_000, (s) => s.phase === 'rolled-back'))
    t.equal(provider.asked.length - asked, 4, 'two more of each variant')
    t.match(simulation.store.log.at(-1)!.summary, /gpu failed 4 measurements of this step/)
  },
)

t.test('an operator who resumes past a provider goes on without it', async (t) => {
  const provider = prometheus((version) => (version === '2.0' ? '0.95' : '0.5'))
  const pausing = { ...GPU, onFailure: 'pause' } as const
  const simulation = await rollout([{ ...ERRORS, floor: 0.05 }, pausing], provider)
  t.ok(await simulation.run(20_000, (s) => s.phase === 'paused'))
  t.match(simulation.state, { pausedBy: 'metric', pausedMetric: 'gpu' })
  t.match(simulation.store.log.at(-1)!.summary, /^Paused by gpu, beyond its limit/)
  await simulation.evaluator.command('svc', command('resume'), null)
  t.ok(await simulation.run(60_000, (s) => s.step === 1))
})

t.test('a reload that takes a metric away forgets an answer that is still under way', async (t) => {
  let answer: ((response: { status: number; body: string }) => void) | null = null
  const fetchProvider: FetchProvider = () => new Promise((resolve) => (answer = resolve))
  const simulation = await rollout([ERRORS, SCORE], { fetchProvider })
  t.ok(await simulation.run(10_000, () => answer !== null))
  await simulation.reload(quickService({ analysis: { metrics: [ERRORS] } }), 'hash-2')
  answer!({ status: 200, body: '{"score":0}' })
  await simulation.run(5000, () => false)
  t.same(
    simulation.evaluator.view('svc')!.metrics.map((m) => m.name),
    ['errors', 'no-answer', 'client-error'],
  )
  t.same(simulation.errors, [])
})

t.test('case 19, a provider that failed is asked no more in its step', async (t) => {
  const counted = { ...GPU, onFailure: 'warn', threshold: terms() } as const
  const provider = prometheus((version) => (version === '2.0' ? '0.95' : '0.5'))
  const steps = weightSteps([5, 100], 1_000_000)
  const metrics = [ERRORS, counted]
  const service = quickService({ spec: { steps }, analysis: { metrics } })
  const simulation = await rollout(metrics, { ...provider, service })
  await simulation.run(10_000, () => false)
  t.equal(provider.asked.length, 2, 'the canary and the baseline, once')
  t.match(named(simulation, 'gpu'), {
    verdict: 'failed',
    threshold: { over: true, counts: { failed: 1, successful: 0 } },
  })
})

t.test('case 22, after an error: asked again after 10 s, not at the interval', async (t) => {
  const at: number[] = []
  const fetchProvider: FetchProvider = () => {
    at.push(simulation.elapsedMs)
    return Promise.reject(new Error('refused the connection'))
  }
  const slow = { ...SCORE, intervalMs: 300_000 }
  const simulation = await rollout([ERRORS, slow], { fetchProvider })
  t.ok(await simulation.run(40_000, () => at.length === 3))
  t.same([at[1]! - at[0]!, at[2]! - at[1]!], [10_000, 10_000])
})

t.test('five errors in a row hold a rollout that counts them, and never end it', async (t) => {
  let isWell = false
  const counted = { ...GPU, threshold: terms() }
  const simulation = await rollout(
    [{ ...ERRORS, floor: 0.05 }, counted],
    prometheus(() => (isWell ? '0.5' : 'down')),
  )
  await simulation.run(12_000, () => false)
  t.match(simulation.state, { phase: 'progressing', step: 0, holdReason: 'error' })
  const { counts, over } = named(simulation, 'gpu').threshold!
  t.ok(counts.consecutiveErrors > 4, `${counts.consecutiveErrors} in a row`)
  t.equal(over, false)
  isWell = true
  t.ok(await simulation.run(30_000, (s) => s.step === 1))
})

t.test('nothing that is stored has a secret in it', async (t) => {
  const simulation = await rollout([{ ...ERRORS, floor: 0.05 }, SCORE], {
    fetchProvider: () => Promise.resolve({ status: 200, body: '{"score":0.7}' }),
  })
  t.ok(await simulation.run(60_000, (s) => s.step === 2))
  const { store } = simulation
  const archived = await store.archivedPlan('svc', '1.4->2.0#1')
  t.match(archived!.spec.analysis.metrics[1], { name: 'score', secret: '(hidden)' })
  t.notMatch(JSON.stringify([archived, store.log, store.records.get('svc')]), SCORE.secret!)
  t.equal(named(simulation, 'score').verdict, 'successful', 'it is asked with it all the same')
})
