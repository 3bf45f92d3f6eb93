import t from 'tap'
import { joinStore } from '../src/join-store.ts'

t.test('What the store has is taken up again and again until that has worked.', async (t) => {
  const said: string[] = []
  const say = (_fields: object, message: string) => void said.push(message)
  const timers: (() => void)[] = []
  const failures = ['2.0 serves 100 %', '2.0 serves 100 %', null]
  let why = 'nothing listens there'
  let end = () => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  let joined = 0
  const join = joinStore(
    { why: () => why, ended },
    {
      serveLast: () => ({ disk: 2, configuration: 1 }),
      takeUp: async () => {
        const failure = failures.shift()
        if (failure != null) throw new Error(failure)
      },
      onJoined: () => (joined += 1),
      log: { info: say, warn: say, error: say },
      setTimer: (run) => {
        timers.push(run)
        return () => timers.splice(timers.indexOf(run), 1)
      },
    },
  )
  t.match(join.describe(), /\(nothing listens there\): .* disk: 2, without: 1; no rollout moves/)
  why = 'it is loading'
  t.match(join.describe(), /\(it is loading\)/)
  t.same(join.withoutStore(), { disk: 2, configuration: 1 })
  end()
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  await turn()
  t.match(
    join.describe(),
    /\(2\.0 serves 100 %\)/,
    'the store is there, and does not go with the file',
  )
  for (let attempt = 0; attempt < 2; attempt += 1) {
    t.equal(join.hasJoined(), false)
    timers.shift()!()
    await turn()
  }
  t.equal(join.hasJoined(), true)
  t.equal(join.describe(), null)
  t.same(join.withoutStore(), { disk: 0, configuration: 0 })
  t.equal(joined, 1)
  t.same(said.slice(1), [
    'rollouts cannot go on from the store',
    'the store has been reached: rollouts go on from it',
  ])
})

t.test('Nothing is taken up after the end.', async (t) => {
  let end = () => {}
  const join = joinStore(
    { why: () => 'away', ended: new Promise<void>((resolve) => (end = resolve)) },
    {
      serveLast: () => ({ disk: 0, configuration: 0 }),
      takeUp: () => Promise.reject(new Error('must not be asked')),
      onJoined: () => t.fail('it has ended'),
      log: { info: () => {}, warn: () => {}, error: () => t.fail('it has ended') },
      setTimer: () => () => {},
    },
  )
  join.close()
  end()
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(join.hasJoined(), false)
})
