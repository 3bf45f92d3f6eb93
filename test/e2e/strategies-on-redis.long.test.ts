import t from 'tap'
import { skipWithout } from './support/programs.ts'
import { runOnRedis } from './support/run-on-redis.ts'

t.test(
  'Rollouts, experiments, mirrors and feedback do on Redis what they do on LMDB.',
  { ...skipWithout('redis-server'), timeout: 3_600_000 },
  (t) =>
    runOnRedis(t, ['rollout', 'experiment', 'mirror', 'mirror-step', 'mirror-labels', 'business']),
)
