import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { OneByOne } from '../../src/evaluator/one-by-one.ts'

t.test(
  'pieces of work never overlap, and one that fails keeps none of the later ones back',
  async (t) => {
    const done: string[] = []
    const line = new OneByOne()
    const first = gate()
    const running = [
      line.run(async () => {
        await first.opened
        done.push('first')
        throw new Error('no')
      }),
      line.runNow(() => {
        done.push('second')
        return null
      })!,
      line.run(async () => void done.push('third')),
    ]
    await Promise.resolve()
    t.same(done, [])
    first.open()
    const ends = await Promise.allSettled(running)
    t.same(done, ['first', 'second', 'third'])
    t.same(
      ends.map((end) => end.status),
      ['rejected', 'fulfilled', 'fulfilled'],
    )
  },
)

t.test(
  'where nothing is under way work is done at once, and nobody has to wait for it',
  async (t) => {
    const line = new OneByOne()
    await line.run(() => Promise.resolve())
    await nextTurn()
    const done: string[] = []
    t.equal(
      line.runNow(() => {
        done.push('at once')
        return null
      }),
      null,
    )
    t.same(done, ['at once'])
    const stored = gate()
    const storing = line.runNow(() => stored.opened)
    const later = line.run(async () => void done.push('later'))
    await Promise.resolve()
    t.same(done, ['at once'], 'what it has begun is waited for')
    stored.open()
    await Promise.all([storing, later])
    t.same(done, ['at once', 'later'])
  },
)

t.test('work that throws at once rejects like any other', async (t) => {
  const line = new OneByOne()
  const failing = line.runNow(() => {
    throw new Error('no')
  })
  await t.rejects(failing!, { message: 'no' })
  t.equal(
    line.runNow(() => null),
    null,
    'and is no longer under way',
  )
})

/** Something to wait for. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}
