import t from 'tap'
import type { RolloutState } from '../src/domain/rollout-state.ts'
import { buildLiveServices } from '../src/live-services.ts'
import { createUpstreamRegistry } from '../src/proxy/upstream-registry.ts'
import { configOf, file } from './config/problems-of.ts'
import { state as stateOf } from './fakes/rollout.ts'
import { asFound, namesBy } from './support/names.ts'

const ROLLOUT = `    rollout: { steps: [{ weight: 20% }, { weight: 100% }] }
    analysis: { metrics: { errors: { kind: error-rate, maxIncrease: 0%, max: 5% } } }`

t.test('Services that were built a while ago catch up with what was decided since.', async (t) => {
  const names = namesBy(async () => asFound(['127.0.0.1']))
  const upstreams = createUpstreamRegistry(names, { error: () => {} })
  const config = configOf(file({ service: ROLLOUT }))
  const at = (weightBp: number): RolloutState =>
    stateOf({ phase: 'progressing' }, { service: 'm', canaryVersion: '2', weightBp })
  let state = at(2_000)
  const live = await buildLiveServices(
    config,
    {
      clock: { now: () => 0, monotonic: () => 0 },
      remember: () => {},
      upstreams,
      states: { rollout: () => state, experiment: () => null },
    },
    null,
  )
  const runtime = live.snapshot.runtimes.get('m')!
  t.same(runtime.split.weightsBp, { baseline: 8_000, canary: 2_000 })
  const built = runtime.split
  live.catchUp()
  t.equal(runtime.split, built, 'nothing has changed')
  state = at(0)
  live.catchUp()
  t.same(runtime.split.weightsBp, { baseline: 10_000, canary: 0 }, 'it was rolled back meanwhile')
  live.targets.release()
  await upstreams.destroy()
})
