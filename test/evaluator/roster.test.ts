import t from 'tap'
import { Roster } from '../../src/evaluator/roster.ts'
import type { ServiceBook } from '../../src/metrics/service-recorder.ts'
import { StoreAwayError, StoreError } from '../../src/store/store-error.ts'

type Plan = { readonly service: string }

t.test('what is wrong with one service leaves no other without a decider', async (t) => {
  const damaged = new StoreError('what is stored of b is damaged')
  const { roster, asked, told, fail } = buildRoster()
  fail.set('b', damaged)
  await roster.follow(given('a', 'b', 'c'), 'a reload')
  t.strictSame([...roster.running.keys()], ['a', 'c'])
  t.ok(roster.isJoining('b'))
  t.strictSame(told, [damaged])
  await t.rejects(roster.settle()!, damaged, 'it is told at every look')
  fail.clear()
  await roster.settle()
  t.strictSame([...roster.running.keys()], ['a', 'c', 'b'])
  t.equal(roster.settle(), null)
  t.strictSame(asked, ['a', 'b', 'c', 'b', 'b'])
})

t.test('what one that leaves cannot store keeps the next from nothing', async (t) => {
  const { roster, flushed, fail } = buildRoster()
  await roster.follow(given('a', 'b'), 'a reload')
  fail.set('a', new StoreError('too large'))
  await roster.follow([], 'a reload')
  t.strictSame(flushed, ['b'])
  t.ok(roster.isLeaving('a'))
  t.notOk(roster.isLeaving('b'))
})

t.test('a store that is away is not asked for one service after the other', async (t) => {
  const away = new StoreAwayError('no answer')
  const { roster, asked, told, fail } = buildRoster()
  fail.set('a', away)
  await roster.follow(given('a', 'b', 'c'), 'a reload')
  t.strictSame(asked, ['a'])
  t.strictSame(told, [away])
  fail.clear()
  await roster.settle()
  t.strictSame([...roster.running.keys()], ['a', 'b', 'c'])
})

/** A roster whose store fails for the services in `fail`. */
function buildRoster() {
  const asked: string[] = []
  const flushed: string[] = []
  const told: unknown[] = []
  const fail = new Map<string, Error>()
  const orFail = (service: string) => {
    const error = fail.get(service)
    if (error !== undefined) throw error
  }
  const open = async ({ plan: { service } }: { plan: Plan }) => {
    asked.push(service)
    orFail(service)
    const flush = async () => {
      orFail(service)
      flushed.push(service)
      return true
    }
    return { reconfigure: async () => {}, flush }
  }
  const roster = new Roster<Plan, Awaited<ReturnType<typeof open>>>(open, (_, error) => {
    told.push(error)
  })
  return { roster, asked, flushed, told, fail }
}

function given(...services: string[]) {
  return services.map((service) => ({ plan: { service }, book: {} as ServiceBook }))
}
