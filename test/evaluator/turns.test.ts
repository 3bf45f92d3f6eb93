import t from 'tap'
import { Turns } from '../../src/evaluator/turns.ts'

/** Work that ends when it is told to. */
function work() {
  const started: string[] = []
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()
  const start = (name: string) => () => {
    started.push(name)
    return new Promise<void>((resolve, reject) => ends.set(name, { resolve, reject }))
  }
  return { started, ends, start }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

t.test('as much as is allowed runs at once, the rest in the order in which it came', async (t) => {
  const turns = new Turns(2)
  const { started, ends, start } = work()
  const all = ['a', 'b', 'c', 'd'].map((name) => turns.run('one', start(name)))
  await settled()
  t.same(started, ['a', 'b'])
  ends.get('b')!.resolve()
  // It comes when a turn is free, but others have waited.
  await all[1]
  all.push(turns.run('one', start('e')))
  await settled()
  t.same(started, ['a', 'b', 'c'])
  for (const name of ['a', 'c', 'd', 'e']) {
    ends.get(name)!.resolve()
    await settled()
  }
  t.same(started, ['a', 'b', 'c', 'd', 'e'])
  await Promise.all(all)
})

t.test('work that fails makes room, and says why to whom it concerns', async (t) => {
  const turns = new Turns(1)
  const { started, ends, start } = work()
  const first = turns.run('one', start('a'))
  const second = turns.run('one', start('b'))
  await settled()
  ends.get('a')!.reject(new Error('broken'))
  await t.rejects(first, { message: 'broken' })
  await settled()
  t.same(started, ['a', 'b'])
  ends.get('b')!.resolve()
  await second
})

t.test('nobody waits for the work of another', async (t) => {
  const turns = new Turns(1)
  const { started, ends, start } = work()
  const both = [turns.run('one', start('a')), turns.run('other', start('b'))]
  await settled()
  t.same(started, ['a', 'b'])
  for (const { resolve } of ends.values()) resolve()
  await Promise.all(both)
  t.equal(await turns.run('one', async () => 7), 7, 'and what is over is forgotten')
})
