import t from 'tap'
import { skipWithout } from './support/programs.ts'
import { runOnRedis } from './support/run-on-redis.ts'

t.test('A holdback does on Redis what it does on LMDB.', skipWithout('redis-server'), (t) =>
  runOnRedis(t, ['holdback']),
)
