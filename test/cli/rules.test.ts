import t from 'tap'
import type { RuleStatus, ServiceStatus } from '../../src/admin/service-status.ts'
import { createFakeDeps, fakeState, fakeStatus, NOW } from '../admin/fake-deps.ts'
import { run, serveAdmin } from './fake-io.ts'

const figures = (requests: number, rmse: number | null) => ({
  ...{ requests, errors: 2, p50Ms: 5, p95Ms: 14, p99Ms: 20 },
  metrics: rmse === null ? {} : { rmse: { value: rmse, n: 900 } },
})

const COUNTRY = 'New Zealand '.repeat(8)

const RULES: readonly RuleStatus[] = [
  { rule: 'ip = 10.*', variants: { canary: figures(1204, 3.02) } },
  {
    rule: `header:x-country = ${COUNTRY}`,
    variants: { baseline: figures(10, null), canary: figures(12, 2.5) },
  },
  { rule: 'query:age >= 18', variants: {} },
  { rule: null, variants: { baseline: figures(7, 3.1) } },
]

const NOTE = '  note      rules do not randomise: no A/B test, no evidence (docs/key-split.md)'

async function status(
  rules: readonly RuleStatus[],
  weightsBp: Readonly<Record<string, number>> = { baseline: 9000, canary: 1000 },
  of: ServiceStatus = fakeStatus(null, 'fixed'),
): Promise<string> {
  const base = { ...of, weightsBp }
  const when = [{ field: { from: 'ip' }, test: 'prefix', prefix: '10.' }] as const
  const country = { field: { from: 'header', name: 'x-country' }, test: 'in' } as const
  const split = {
    ...base.service.split,
    rules: [
      { when, then: { variant: 'canary' } },
      { when: [{ ...country, values: [COUNTRY] }], then: { weightsBp: { canary: 2500 } } },
    ],
  }
  const service = { ...base, service: { ...base.service, split }, rules }
  const admin = await serveAdmin(t, createFakeDeps({ services: () => [service] }))
  return (await run(['status', 'fixed', '--admin', admin])).stdout
}

t.test('Status shows the figures of each rule side by side, and what they are not.', async (t) => {
  const stdout = await status(RULES)
  t.match(
    stdout,
    `  by rule           requests  errors   p50    p95          rmse
  ip = 10.* -> canary
    canary             1,204       2  5 ms  14 ms  3.02 (n 900)
`,
  )
  t.match(stdout, /baseline +10 +2 +5 ms +14 ms +-\n +canary +12 .*2\.5 \(n 900\)\n/)
  t.match(stdout, /-> baseline 75 %, canary\s+25 %\n +baseline/)
  t.match(
    stdout,
    '  query:age >= 18\n    no request yet\n  no rule: drawn\n    baseline',
    'reloaded away',
  )
  t.match(stdout, `\n${NOTE}\n`)
  t.match(stdout, /^fixed {2}fixed weights\n/, 'rules beside a split')
  t.ok(stdout.split('\n').every((line) => line.length <= 80))
})

t.test(
  'What figures of rules are not is told once, however many services have rules.',
  async (t) => {
    const when = [{ field: { from: 'ip' }, test: 'prefix', prefix: '10.' }] as const
    const services = ['a', 'b', 'c'].map((name) => {
      const { service, ...rest } = fakeStatus(null, name)
      const rules = name === 'a' ? [] : [{ when, then: { variant: 'canary' } }]
      return { ...rest, rules: [], service: { ...service, split: { ...service.split, rules } } }
    })
    const admin = await serveAdmin(t, createFakeDeps({ services: () => services }))
    const { stdout } = await run(['status', '--admin', admin])
    const [a, b, c] = stdout.split('\n\n').map((block) => block.split('\n').includes(NOTE))
    t.same([a, b, c], [false, true, false])
  },
)

t.test('Where every request matched a rule nothing is said of draws.', async (t) => {
  t.notMatch(await status([RULES[0]!, { rule: null, variants: {} }]), 'no rule')
  t.notMatch(await status([{ rule: null, variants: {} }]), 'by rule')
  t.match(await status([RULES[0]!], { baseline: 10_000, canary: 0 }), /^fixed {2}key split\n/)
})

t.test(
  'Status says which rules still send requests to what a promotion has emptied.',
  async (t) => {
    const weights = { baseline: 0, canary: 10_000 }
    const told = async (of: ServiceStatus) =>
      (await status(RULES, weights, of)).replaceAll(/\s+/g, ' ')
    const left = new RegExp(
      `note baseline \\(1\\.4\\) still answers, by rules that hold after a promotion too \\(header:x-country = ${COUNTRY.trim()} ?\\); rules do not randomise`,
    )
    const promoted = {
      ...fakeState(),
      phase: 'promoted',
      promotedAt: NOW,
      weightBp: 10_000,
    } as const
    t.match(await told(fakeStatus(promoted, 'fixed')), left)
    t.match(
      await told(fakeStatus(fakeState(), 'fixed')),
      / note rules do not randomise/,
      'it is under way',
    )
    const fixed = { state: fakeState(), id: 'x#1', comparisons: [], lastDecision: null }
    const experiment = { ...fixed, winner: 'canary' }
    t.match(await told({ ...fakeStatus(null, 'fixed'), experiment }), left)
    t.match(
      await told({ ...fakeStatus(null, 'fixed'), experiment: { ...experiment, winner: null } }),
      / note rules do not randomise/,
    )
  },
)
