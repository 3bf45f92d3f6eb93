import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { forecast } from '../../src/rollout/forecast.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { run } from '../cli/fake-io.ts'
import { EXAMPLE_ENV } from './example-env.ts'

const env = EXAMPLE_ENV

const files = ['example.yaml', ...readdirSync('config/examples').map((f) => join('examples', f))]
const texts = [...files.map((file) => [file, readFileSync(join('config', file), 'utf8')] as const)]
const examples = texts.map(([name, text]) => {
  const result = parseConfig(text, { file: null, env })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return { name, text, services: result.config.services }
})
const rollouts = examples.filter(({ services }) => services.some((s) => s.rollout !== null))

t.test('there are examples with a rollout', async (t) => {
  t.ok(rollouts.length >= 4)
})

t.test(
  '`serin plan` plans every example, and says of those without a rollout and an experiment that they have none',
  async (t) => {
    let experiments = 0
    for (const { name: file, services } of examples) {
      const argv = ['plan', '-c', join('config', file), '--rps', '1000']
      const names = services.filter(({ rollout }) => rollout !== null).map(({ name }) => name)
      if (services.some(({ experiment }) => experiment !== undefined)) {
        experiments += 1
        const { exitCode, stdout } = await run(argv, { env })
        t.equal(exitCode, 0, file)
        t.match(stdout, /\n {2}challenger +weight +p50 +p80 +takes longest\n/)
        t.notMatch(stdout, /never|NaN|Infinity|undefined|null/)
      } else if (names.length === 0) {
        const { exitCode, stderr } = await run(argv, { env })
        t.equal(exitCode, 1)
        t.match(stderr, `${file} has no rollout`)
      }
      for (const name of names) {
        const { exitCode, stdout, stderr } = await run([...argv, name], { env })
        t.equal(exitCode, 0, `${file}: ${stderr}`)
        const isBlueGreen = services.some(({ rollout }) => rollout?.strategy === 'blue-green')
        t.match(
          stdout,
          isBlueGreen
            ? /\n {2}whole +blue-green: from 0 % to 100 % at once after an approval/
            : /\n {2}step +weight +p50 +p80 +takes longest\n(.*\n)+ {2}limit +within/,
        )
        t.notMatch(stdout, /never|NaN|Infinity|undefined|null/)
        t.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 80, stdout)
        t.equal(JSON.parse((await run([...argv, name, '-o', 'json'], { env })).stdout).fits, true)
      }
    }
    t.ok(experiments >= 2)
  },
)

for (const { name, text, services } of rollouts) {
  t.test(`${name} is decided in time at the traffic that it states`, async (t) => {
    const [, stated, unit] = /For about ([\d,.]+) (requests|new \w+) per second/.exec(text) ?? []
    t.ok(stated, 'it says `For about N requests per second` (or new users, with a key)')
    const rps = Number(stated!.replaceAll(',', ''))
    for (const service of services) {
      const plan = buildPlan(service, 'hash')
      if (plan === null) continue
      t.equal(
        unit === 'requests',
        !plan.keyed,
        'it counts requests, or with a key those who are new',
      )
      const given = { errorRate: null, evidence: null, exceedance: null }
      const found = forecast(plan, { unitsPerSecond: rps, from: 'given', ...given })
      t.ok(found.fits, `${service.name}: ${found.p80Seconds} s of ${found.maxDurationSeconds} s`)
    }
    const checked = parseConfig(text, { file: null, env, rps })
    const warnings = checked.ok ? checked.warnings.map(formatProblem) : ['it is refused']
    t.notMatch(warnings.join(' '), /is too low at|refused/)
  })
}
