import t from 'tap'
import { readDecisions, readService, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startLoad } from './support/load.ts'
import { startModel, type ModelBehaviour } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { runSerin, startSerin, writeConfig } from './support/serin-process.ts'

const LONG = '10m'
const STEPS = [
  { weight: '20%', minDuration: LONG },
  { pause: {} },
  { weight: '50%', minDuration: LONG },
  { weight: '100%' },
]

/** How each service gets to where its canary begins to fail, and what it is rolled back for there. */
const SCENES = {
  paused: { verb: ['pause'], phase: 'paused', by: 'operator', reason: /^(errors|most)$/ },
  approval: { verb: ['promote'], phase: 'paused', by: 'approval', reason: /^(errors|most)$/ },
  watch: { verb: ['promote', '--full'], phase: 'watching', by: undefined, reason: /^most$/ },
} as const

t.test('A failed metric rolls back in a pause, at an approval and during the watch.', async (t) => {
  const draw = seeded(41)
  // None fails at first: of two alike, one in a hundred would be rolled back by chance before its scene.
  const baseline = await startModel(t, draw, { error: 1, failures: 0 })
  const behaviour: ModelBehaviour = { error: 1, failures: 0 }
  const canary = await startModel(t, draw, behaviour)
  const origins = { baseline: baseline.origin, canary: canary.origin }
  const names = Object.keys(SCENES) as (keyof typeof SCENES)[]
  const services = names.map((name) => [
    name,
    buildRolloutService(origins, {
      path: `/${name}/*`,
      rollout: { steps: STEPS, watch: LONG },
      analysis: {
        metrics: {
          errors: { kind: 'error-rate', maxIncrease: '0%', floor: '2%' },
          most: { kind: 'error-rate', max: '10%' },
        },
      },
    }),
  ])
  const folder = t.testdir({})
  const config = buildConfig(folder, Object.fromEntries(services))
  const { admin, data } = await startSerin(t, writeConfig(folder, config))
  const loads = names.map((name) =>
    startLoad(t, { data: () => data, path: `/${name}/x`, concurrency: 4, perSecond: 100, draw }),
  )
  for (const name of names) {
    const { verb, phase, by } = SCENES[name]
    await untilService(admin, name, 'progressing', (found) => found.phase === 'progressing')
    const [word, ...options] = verb
    const { code, stderr } = await runSerin(t, [word, name, ...options], admin)
    t.equal(code, 0, stderr)
    const found = await readService(admin, name)
    t.equal(found.phase, phase)
    t.equal(found.pause?.by, by)
  }

  // Less than the breaker trips at: it is the metrics that have to speak.
  behaviour.failures = 0.3
  for (const name of names) {
    await untilService(admin, name, 'rolled back', (found) => found.phase === 'rolled-back')
    const [rolledBack] = await readDecisions(admin, name)
    t.match(rolledBack, {
      action: 'rollback',
      actor: 'evaluator',
      reason: SCENES[name].reason,
      from: { phase: SCENES[name].phase },
      to: { weights: { baseline: 100, canary: 0 } },
    })
  }
  for (const load of loads) {
    await load.stop()
    t.same(load.tally.broken, {})
  }
})
