import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { skipWithout } from '../e2e/support/programs.ts'
import { describeMetrics, labelsOf, metricsOf, RULES } from './kit.ts'

const TESTS = 'test/prometheus/serin-rules.test.yaml'

type Rule = {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const alerts = rules.filter(({ alert }) => alert !== undefined)

t.test(
  'promtool takes the rules, and each does what its test says.',
  skipWithout('promtool'),
  (t) => {
    for (const args of [
      ['check', 'rules', '--lint-fatal', RULES],
      ['test', 'rules', TESTS],
    ]) {
      // Each test has a store of its own, most of it garbage: to collect it often is a third of what it takes.
      const env = { ...process.env, GOGC: '400' }
      const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', env })
      t.equal(status, 0, stdout + stderr)
    }
    t.end()
  },
)

t.test('Every alert has a test in which it fires, and one moment in which it does not.', (t) => {
  const { tests } = parse(readFileSync(TESTS, 'utf8')) as {
    tests: { alert_rule_test?: { alertname: string; exp_alerts: unknown[] }[] }[]
  }
  const checks = tests.flatMap(({ alert_rule_test: each = [] }) => each)
  const fires = checks.filter((check) => check.exp_alerts.length > 0)
  const rests = checks.filter((check) => check.exp_alerts.length === 0)
  for (const { alert } of alerts) {
    t.ok(
      fires.some(({ alertname }) => alertname === alert),
      `${alert} fires`,
    )
    t.ok(
      rests.some(({ alertname }) => alertname === alert),
      `${alert} rests`,
    )
  }
  t.end()
})

t.test('Every rule reads metrics and labels that there are.', async (t) => {
  const known = new Map((await describeMetrics()).map((metric) => [metric.name, metric.labels]))
  const recorded = rules.flatMap(({ record }) => record ?? [])
  for (const { expr, alert, record } of rules) {
    for (const name of metricsOf(expr)) t.ok(known.has(name), `${alert ?? record}: ${name}`)
    for (const [name] of expr.matchAll(/\bserin:[\w:]+/g)) t.ok(recorded.includes(name), name)
    const labels = metricsOf(expr).flatMap((name) => known.get(name) ?? [])
    const all = [...labels, 'le', 'job', 'instance', 'service', 'variant', 'phase']
    for (const label of labelsOf(expr)) t.ok(all.includes(label), `${alert ?? record}: ${label}`)
  }
})

t.test('Every alert says how bad it is, what has happened and what to do next.', (t) => {
  for (const { alert, labels, annotations, expr } of alerts) {
    t.match(labels?.['severity'], /^(?:critical|warning|info)$/, alert!)
    t.match(annotations?.['summary'], /\.$/, alert!)
    t.match(annotations?.['next'], /[.?]$/, alert!)
    for (const text of Object.values(annotations ?? {})) {
      for (const [, name] of text.matchAll(/\$labels\.(\w+)/g)) {
        const kept = labelsOf(expr).includes(name!) || (name === 'instance' && !/\bby\b/.test(expr))
        const isRecorded = /serin:\w+/.test(expr) && ['service', 'variant'].includes(name!)
        t.ok(kept || isRecorded, `${alert}: ${name}`)
      }
    }
  }
  t.end()
})

t.test('docs/monitoring.md explains every alert, and no other.', (t) => {
  const page = readFileSync('docs/monitoring.md', 'utf8')
  const named = [...page.matchAll(/^\| `(Serin\w+)`/gm)].map(([, name]) => name!)
  t.same(named.toSorted(), alerts.map(({ alert }) => alert!).toSorted())
  t.end()
})
