import t from 'tap'
import { skipWithout } from './support/programs.ts'
import { runOnRedis } from './support/run-on-redis.ts'

t.test(
  'A holdback and a split by keys do on Redis what they do on LMDB.',
  skipWithout('redis-server'),
  (t) => runOnRedis(t, ['holdback', 'split']),
)
