import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { NO_LAST_WEIGHTS, openLastWeights } from '../../src/store/last-weights.ts'
import { state } from '../fakes/rollout.ts'

function open(path: string, store = 'redis:6379/0 serin') {
  const warned: string[] = []
  const log = {
    info: () => {},
    warn: (_fields: object, message: string) => void warned.push(message),
  }
  return { warned, weights: openLastWeights(path, store, log) }
}

const WINNER = { variant: 'large', version: '3.2', steps: 'abc' }

t.test('What was kept last is there at the next start, each service by its name.', async (t) => {
  const path = join(t.testdir(), 'data', 'last.json')
  const { weights, warned } = open(path)
  t.equal(weights.rollout('svc'), null)
  weights.keepRollout(state({ phase: 'progressing' }, { weightBp: 500 }))
  weights.keepRollout(state({ phase: 'progressing' }, { weightBp: 3000 }))
  weights.keepRollout(state({ phase: 'progressing' }, { service: '__proto__', weightBp: 7 }))
  weights.keepWinner('fixed', WINNER)
  weights.keepWinner('other', WINNER)
  weights.keepWinner('other', null)
  weights.keepWinner('never', null)
  await nextTurn()
  t.same(readdirSync(join(path, '..')), ['last.json'], 'no draft is left')
  const again = open(path).weights
  t.match(again.rollout('svc'), { phase: 'progressing', weightBp: 3000 })
  t.match(again.rollout('__proto__'), { weightBp: 7 })
  t.equal(again.rollout('toString'), null)
  t.strictSame(again.winner('fixed'), WINNER)
  t.equal(again.winner('other'), null)
  t.same(warned, [])
})

t.test('A rollback that the store does not have is kept until it has it.', (t) => {
  const path = join(t.testdir(), 'last.json')
  const { weights } = open(path)
  const rollback = { reason: 'operator', actor: 'ops', note: 'no', summary: 'ops aborted' } as const
  const unstored = { action: 'rollback', ...rollback } as const
  t.equal(weights.unstored('svc'), null)
  weights.keepRollout(state(), unstored)
  weights.keepRollout(state(undefined, { service: 'other' }), unstored)
  weights.keepRollout(state(undefined, { service: 'other' }))
  weights.close()
  const again = open(path).weights
  t.strictSame(again.unstored('svc'), unstored)
  t.equal(again.unstored('other'), null)
  const { unstored: _, ...earlier } = JSON.parse(readFileSync(path, 'utf8')) as { unstored: object }
  writeFileSync(path, JSON.stringify(earlier))
  const upgraded = open(path)
  t.same([upgraded.weights.unstored('svc'), upgraded.warned], [null, []], 'a file of before')
  t.match(upgraded.weights.rollout('svc'), { service: 'svc' })
  t.end()
})

t.test('The end writes what is due, and nothing twice.', (t) => {
  const path = join(t.testdir(), 'last.json')
  const { weights } = open(path)
  weights.close()
  t.throws(() => readFileSync(path), { code: 'ENOENT' })
  weights.keepRollout(state())
  weights.close()
  t.match(JSON.parse(readFileSync(path, 'utf8')), { rollouts: { svc: {} } })
  t.end()
})

t.test('What is of another store, or no such file, is nothing.', (t) => {
  const path = join(t.testdir(), 'last.json')
  const { weights } = open(path)
  weights.keepRollout(state())
  weights.close()
  const other = open(path, 'redis:6379/1 serin')
  t.equal(other.weights.rollout('svc'), null)
  t.same(other.warned, [])
  for (const text of ['{"format":', '{"format":2}', '']) {
    writeFileSync(path, text)
    const { weights: none, warned } = open(path)
    t.equal(none.rollout('svc'), null)
    t.same(warned, ['the last weights on this disk cannot be read'])
  }
  t.same(open(t.testdirName).warned, ['the last weights on this disk cannot be read'], 'a folder')
  t.end()
})

t.test('A disk that takes nothing is said once.', (t) => {
  const folder = join(t.testdir(), 'data')
  writeFileSync(folder, 'a file')
  const { weights, warned } = open(join(folder, 'last.json'))
  warned.length = 0
  for (const weightBp of [1, 2]) {
    weights.keepRollout(state({ phase: 'progressing' }, { weightBp }))
    weights.close()
  }
  t.same(warned, ['the last weights cannot be kept on this disk'])
  t.end()
})

t.test('Beside LMDB nothing is kept.', (t) => {
  NO_LAST_WEIGHTS.keepRollout(state())
  NO_LAST_WEIGHTS.keepWinner('fixed', WINNER)
  NO_LAST_WEIGHTS.close()
  t.equal(NO_LAST_WEIGHTS.rollout('svc'), null)
  t.equal(NO_LAST_WEIGHTS.winner('fixed'), null)
  t.end()
})
