import t from 'tap'
import { skipWithout } from './support/programs.ts'
import { runOnRedis } from './support/run-on-redis.ts'

const SUITES = [
  'blue-green',
  'business',
  'experiment',
  'experiment-replicas',
  'mirror',
  'mirror-labels',
  'mirror-step',
  'rollout',
  'split',
]

t.test(
  'Each strategy does on Redis what it does on LMDB.',
  { ...skipWithout('redis-server'), timeout: 3_600_000 },
  (t) => runOnRedis(t, SUITES),
)
