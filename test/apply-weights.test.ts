import t from 'tap'
import type { Test } from 'tap'
import type { RolloutState } from '../src/domain/rollout-state.ts'
import { createApplyWeights } from '../src/apply-weights.ts'
import { buildLiveServices } from '../src/live-services.ts'
import { createUpstreamRegistry } from '../src/proxy/upstream-registry.ts'
import { NO_LAST_WEIGHTS } from '../src/store/last-weights.ts'
import { configOf, file } from './config/problems-of.ts'
import { state } from './fakes/rollout.ts'
import { asFound, namesBy } from './support/names.ts'

const AT_20 = state({ phase: 'progressing' }, { service: 'm', canaryVersion: '2', weightBp: 2000 })

/** The service `m` as it is configured; what is applied to it, and what this disk is told. */
async function build(t: Test, service: string) {
  const names = namesBy(async () => asFound(['127.0.0.1']))
  const upstreams = createUpstreamRegistry(names, { error: () => {} })
  const live = await buildLiveServices(
    configOf(file({ service })),
    {
      clock: { now: () => 0, monotonic: () => 0 },
      ...{ remember: () => {}, upstreams },
      states: { rollout: () => null, experiment: () => null },
    },
    null,
  )
  t.teardown(() => {
    live.targets.release()
    return upstreams.destroy()
  })
  const kept: (RolloutState | string | null)[] = []
  const apply = createApplyWeights(() => live, {
    ...NO_LAST_WEIGHTS,
    keepRollout: (of) => kept.push(of),
    keepWinner: (_service, winner) => kept.push(winner?.variant ?? null),
  })
  return { apply, kept, split: () => live.snapshot.runtimes.get('m')!.split.weightsBp }
}

t.test('a rollout that ends moves no fixed split that has taken its place', async (t) => {
  const { apply, kept, split } = await build(t, '    split: { weights: { canary: 10% } }')
  t.same(split(), { baseline: 9000, canary: 1000 })
  apply.applyWinner('m', 'canary')
  t.same(split(), { baseline: 0, canary: 10_000 })
  apply.apply(AT_20, null)
  t.same(split(), { baseline: 0, canary: 10_000 })
  t.same(kept, ['canary'])
})

t.test('a fixed split that ends moves no rollout that has taken its place', async (t) => {
  const { apply, kept, split } = await build(
    t,
    '    rollout: { steps: [{ weight: 20% }, { weight: 100% }] }',
  )
  apply.apply(AT_20, null)
  for (const winner of [null, 'canary']) apply.applyWinner('m', winner)
  t.same(split(), { baseline: 8000, canary: 2000 })
  t.same(kept, [AT_20])
})

t.test('what is gone from the configuration has no weights', async (t) => {
  const { apply, kept } = await build(t, '    split: { weights: { canary: 10% } }')
  apply.apply({ ...AT_20, service: 'gone' }, null)
  apply.applyWinner('gone', 'canary')
  t.same(kept, [])
})
