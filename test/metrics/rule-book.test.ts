import { Registry } from 'prom-client'
import t from 'tap'
import type { Assignment } from '../../src/domain/assignment.ts'
import type { Prediction } from '../../src/domain/prediction.ts'
import type { RuleSpec, Service } from '../../src/domain/service.ts'
import { registerRules } from '../../src/metrics/register-rules.ts'
import { ServiceBook } from '../../src/metrics/service-recorder.ts'
import {
  ACCURACY,
  LATENCY,
  ManualClock,
  RMSE,
  rolloutSpec,
  service,
} from '../fakes/simulated-service.ts'

const tier = (value: string, then: RuleSpec['then']): RuleSpec => ({
  when: [{ field: { from: 'header', name: 'tier' }, test: 'in', values: [value] }],
  then,
})
const RULES = [
  tier('platinum', { variant: 'baseline' }),
  tier('gold', { variant: 'canary' }),
  tier('nz', { weightsBp: { canary: 5000 } }),
]

function ruled(rules: readonly RuleSpec[] = RULES, change: Partial<Service> = {}): Service {
  const base = service(null)
  return { ...base, split: { ...base.split, rules }, shown: [RMSE, ACCURACY], ...change }
}

class World {
  readonly clock = new ManualClock()
  readonly remembered: Prediction[] = []
  book: ServiceBook

  constructor(of: Service) {
    this.book = this.#open(of, null)
  }

  reload(of: Service) {
    this.book = this.#open(of, this.book)
  }

  /** One request; `rule: null` = a draw decided. */
  request(variant: string, rule: number | null, ms: number, outcome: 'ok' | 'failed' = 'ok') {
    const assignment: Assignment = {
      ...{ variant, rule, reason: rule === null ? 'random' : 'rule', unit: null },
      ...{ suppressed: false, keyMissing: false, overrideRefused: false },
    }
    const ticket = this.book.begin(assignment, 'r', this.clock.monotonic())
    this.book.end(ticket, outcome, 200, ms, this.clock.monotonic() + ms)
    this.book.predicted(ticket, 10)
    return this.remembered.pop()!
  }

  figures() {
    const { metrics } = this.book.rules!
    return this.book.rules!.places().map(({ name, byVariant }) => [
      name,
      Object.fromEntries(
        [...byVariant].map(([variant, f]) => [
          variant,
          {
            ...{ requests: f.requests, errors: f.errors, p50: f.latencies.quantile(0.5) },
            scores: metrics.map((m) => f.scoreOf(m)),
          },
        ]),
      ),
    ])
  }

  #open(of: Service, previous: ServiceBook | null) {
    const { clock } = this
    const remember = (p: Prediction) => void this.remembered.push(p)
    return new ServiceBook({ service: of, clock, remember, previous })
  }
}

type Figures = Record<
  string,
  { readonly requests: number; readonly p50: number | null; readonly scores: unknown }
>

t.test('each rule has the figures of the variants that answered for it', (t) => {
  const world = new World(ruled())
  const [platinum, gold] = [
    world.request('baseline', 0, 100),
    world.request('canary', 1, 20, 'failed'),
  ]
  world.request('canary', 2, 40)
  const second = world.request('baseline', 2, 60)
  const drawn = world.request('baseline', null, 80)
  world.book.labelled(platinum, 13)
  world.book.labelled(platinum, 10)
  world.book.labelled(second, 10)
  world.book.labelled(drawn, 12)
  world.book.labelled({ ...gold, value: null }, 1)
  const near = (ms: number) => (p50: number | null) => Math.abs(p50! - ms) < ms * 0.03
  const found = world.figures()
  t.same(
    found.map(([name]) => name),
    ['header:tier = platinum', 'header:tier = gold', 'header:tier = nz', null],
  )
  const [first, other, third, rest] = found.map(([, by]) => by) as Figures[]
  t.match(first, { baseline: { requests: 1, errors: 0 } })
  t.same(first!['baseline']!.scores, [
    { value: Math.sqrt(9 / 2), n: 2 },
    { value: 0.5, n: 2 },
  ])
  t.ok(near(100)(first!['baseline']!.p50))
  t.same(other, { canary: { requests: 1, errors: 1, p50: null, scores: [null, null] } })
  t.match(third, { canary: { requests: 1 }, baseline: { requests: 1 } })
  t.same(rest!['baseline']!.scores, [
    { value: 2, n: 1 },
    { value: 0, n: 1 },
  ])
  t.end()
})

t.test('overrides count for no rule, and late or unknown labels for none', (t) => {
  const world = new World(ruled())
  const by = { suppressed: false, keyMissing: false, overrideRefused: false, unit: null }
  const ticket = world.book.begin({ ...by, variant: 'canary', reason: 'override' }, 'r')
  world.book.end(ticket, 'ok', 200, 1)
  world.book.predicted(ticket, 10)
  t.equal(world.remembered.pop()!.rule, undefined)
  t.same(
    world.figures().map(([, byVariant]) => byVariant),
    [{}, {}, {}, {}],
  )
  const gold = world.request('canary', 1, 5)
  world.clock.ms += RMSE.labelWindowMs + 1
  world.book.labelled(gold, 10)
  world.book.labelled({ ...gold, rule: 77 }, 10)
  const { rule: _, ...unruled } = gold
  world.book.labelled(unruled, 10)
  t.match(world.figures()[1]![1], { canary: { scores: [null, null] } })
  const plain = new World(service(null))
  t.equal(plain.book.rules, null)
  const { shown: __, ...unmeasured } = ruled()
  t.same(new World(unmeasured).book.rules!.metrics, [])
  t.equal(plain.request('baseline', null, 5).rule, undefined)
  plain.book.labelled(gold, 1)
  t.end()
})

t.test('rules and versions that a reload leaves keep their figures', (t) => {
  const world = new World(ruled())
  const gold = world.request('canary', 1, 10)
  world.request('baseline', 0, 10)
  world.reload(ruled([RULES[1]!, tier('silver', { variant: 'canary' })]))
  t.match(world.figures(), [
    ['header:tier = gold', { canary: { requests: 1 } }],
    ['header:tier = silver', {}],
    [null, {}],
  ])
  world.book.labelled(gold, 10)
  t.match(world.figures()[0]![1], { canary: { scores: [{ n: 1 }, { n: 1 }] } })
  const of = ruled()
  const [baseline, canary] = of.variants
  world.reload({ ...of, variants: [baseline!, { ...canary!, version: '9' }] })
  t.same(world.figures()[1], ['header:tier = gold', {}], 'another version begins anew')
  world.request('canary', 1, 10)
  world.book.labelled(gold, 10)
  t.match(
    world.figures()[1]![1],
    { canary: { requests: 1, scores: [null, null] } },
    'a late label of the version before is not its',
  )
  t.end()
})

t.test('latencies fade with time', (t) => {
  const world = new World(ruled())
  for (let i = 0; i < 30; i++) world.request('canary', 1, 1000)
  world.clock.ms += 6_000_000
  world.book.fade()
  for (let i = 0; i < 3; i++) world.request('canary', 1, 10)
  const [, gold] = world.book.rules!.places()
  t.ok(gold!.byVariant.get('canary')!.latencies.quantile(0.95)! < 20)
  t.end()
})

t.test('a rule with the conditions of an earlier one has none of its figures', (t) => {
  const world = new World(ruled([RULES[0]!, tier('platinum', { variant: 'canary' })]))
  world.request('baseline', 0, 20)
  t.same(
    world.book.rules!.places().map(({ name, byVariant }) => [name, byVariant.size]),
    [
      ['header:tier = platinum', 1],
      ['header:tier = platinum (rule 1)', 0],
      [null, 0],
    ],
  )
  t.end()
})

t.test('a scrape has a series for each rule and variant that answered', async (t) => {
  const world = new World(
    ruled(RULES, { rollout: rolloutSpec({ analysis: { metrics: [LATENCY, RMSE] } }) }),
  )
  const gold = world.request('canary', 1, 20)
  world.request('baseline', null, 20, 'failed')
  world.book.labelled(gold, 12)
  const plain = new World(service(null))
  const registry = new Registry()
  registerRules(registry, () =>
    [world, plain].map(({ book }) => ({
      ...{ book, weightsBp: {}, view: null, experiment: null, upstreams: [] },
    })),
  )
  const text = await registry.metrics()
  const labels = 'service="svc",rule="header:tier = gold",variant="canary"'
  t.match(text, `serin_rule_requests_total{${labels}} 1`)
  t.match(text, `serin_rule_errors_total{${labels}} 0`)
  t.match(text, 'serin_rule_errors_total{service="svc",rule="none",variant="baseline"} 1')
  t.match(text, `serin_rule_duration_seconds_bucket{le="0.025",${labels}} 1`)
  t.match(text, `serin_rule_metric_value{${labels},metric="rmse"} 2`)
})
