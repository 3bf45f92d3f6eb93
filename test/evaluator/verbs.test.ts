import t, { type Test } from 'tap'
import type { Command } from '../../src/domain/decision.ts'
import { quickService, simulate } from '../fakes/quick-rollout.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS, weightSteps } from '../fakes/simulated-service.ts'
import type { Simulation } from '../fakes/simulation.ts'

type Verb = Command['verb']

/** A rollout that never leaves a step by itself, brought to where a verb means something. */
async function rolloutAt(path: readonly Verb[], start: 'auto' | 'manual' = 'auto') {
  const steps = weightSteps([5, 20, 50, 100]).map((s) => ({ ...s, minDurationMs: 3_600_000 }))
  const spec = { steps, start, watchMs: 3_600_000 }
  const simulation = await simulate(81, 0, () => ({}), [ERRORS], {
    rps: 40,
    service: quickService({ analysis: { metrics: [ERRORS] }, spec }),
  })
  await simulation.run(1000, () => false)
  for (const verb of path) await give(simulation, verb)
  return simulation
}

/** With the options that make each verb do something. */
function give({ evaluator }: Simulation, verb: Verb, ifMatch: number | null = null, change = {}) {
  const options = { weights: { canaryBp: 3000 }, retry: { force: true } } as const
  const chosen = { ...(options as Partial<Record<Verb, object>>)[verb], ...change }
  return evaluator.command('svc', command(verb, chosen), ifMatch)
}

/** Where each verb does something, and what a second one like it gets there. */
const CASES: readonly {
  readonly verb: Verb
  readonly change?: object
  readonly from: readonly Verb[]
  readonly again: 'nothing' | RegExp
}[] = [
  { verb: 'abort', from: [], again: 'nothing' },
  { verb: 'pause', from: [], again: 'nothing' },
  { verb: 'resume', from: ['pause'], again: 'nothing' },
  { verb: 'weights', from: [], again: 'nothing' },
  { verb: 'promote', change: { full: true }, from: [], again: 'nothing' },
  { verb: 'retry', from: ['abort'], again: /only a rolled-back version can be retried/ },
  { verb: 'undo', from: ['promote', 'promote', 'promote'], again: 'nothing' },
]

async function told(t: Test, simulation: Simulation, again: 'nothing' | RegExp, second: unknown) {
  if (again === 'nothing') t.match(second, { ok: true, decision: null })
  else t.match(second, { ok: false, code: 'SERIN_REFUSED', detail: again })
  t.same(simulation.errors, [])
}

for (const { verb, change, from, again } of CASES) {
  t.test(`${verb}, twice: the second one changes nothing, logs nothing and says so`, async (t) => {
    const simulation = await rolloutAt(from)
    t.match(await give(simulation, verb, null, change), { ok: true, decision: { actor: 'ops' } })
    const [{ state }, { length }] = [simulation, simulation.store.log]
    await told(t, simulation, again, await give(simulation, verb, null, change))
    t.same(simulation.state, state)
    t.equal(simulation.store.log.length, length)
  })

  t.test(`${verb}, by two operators at once: it is done once`, async (t) => {
    const simulation = await rolloutAt(from)
    const { length } = simulation.store.log
    const [first, second] = await Promise.all([
      give(simulation, verb, null, { ...change, actor: 'ann' }),
      give(simulation, verb, null, { ...change, actor: 'ben' }),
    ])
    t.match(first, { ok: true, decision: { actor: 'ann' } })
    await told(t, simulation, again, second)
    t.equal(simulation.store.log.length, length + 1)
  })

  t.test(
    `${verb}, by two operators who looked at the same state: the second has to look again`,
    async (t) => {
      const simulation = await rolloutAt(from)
      const { revision } = simulation.state
      const [first, second] = await Promise.all([
        give(simulation, verb, revision, change),
        give(simulation, verb, revision, change),
      ])
      t.equal(first?.ok, true)
      t.match(second, { ok: false, code: 'SERIN_STALE_REVISION' })
    },
  )
}

t.test(
  'promote goes one step on each time: who names the state that was seen goes on but once',
  async (t) => {
    const simulation = await rolloutAt([])
    t.equal(simulation.state.step, 0)
    await give(simulation, 'promote')
    await give(simulation, 'promote')
    t.equal(simulation.state.step, 2)
    const { revision } = simulation.state
    const both = [give(simulation, 'promote', revision), give(simulation, 'promote', revision)]
    t.match(await Promise.all(both), [{ ok: true }, { code: 'SERIN_STALE_REVISION' }])
    t.equal(simulation.state.step, 3)
  },
)

t.test('other weights by hand are another override, the same ones are none', async (t) => {
  const simulation = await rolloutAt(['weights'])
  const { length } = simulation.store.log
  t.match(await give(simulation, 'weights'), { ok: true, decision: null })
  t.match(await give(simulation, 'weights', null, { canaryBp: 4000 }), {
    decision: { action: 'override', to: { weights: { canary: 40 } } },
  })
  t.equal(simulation.store.log.length, length + 1)
})
