import t from 'tap'
import type { Service } from '../../src/domain/service.ts'
import { buildPlan } from '../../src/rollout/plan.ts'
import { ANSWER_WAIT_MS, ORDER_WAIT_MS } from '../../src/evaluator/given-orders.ts'
import type { RunnerResult } from '../../src/evaluator/runner-deps.ts'
import { StoreError } from '../../src/store/store-error.ts'
import { startTwo as startTwoSplits } from '../fakes/experiment-processes.ts'
import { threeWay } from '../fakes/experiment-world.ts'
import { Processes, SERVICE, type Process } from '../fakes/processes.ts'
import { command } from '../fakes/rollout.ts'
import { ERRORS } from '../fakes/simulated-service.ts'

/** One that decides, and another one that follows. */
async function startTwo(service: Service = SERVICE) {
  const world = new Processes()
  const leader = await world.start()
  await world.run(2000)
  const follower = await world.start(service)
  await world.run(4000)
  return { world, leader, follower }
}

/** A command to one of them; `answer` = what has come of it so far. */
async function give(to: Process, ...given: [ReturnType<typeof command>, (number | null)?]) {
  const asked: { answer: RunnerResult | null | undefined } = { answer: undefined }
  const [order, ifMatch = null] = given
  void to.evaluator.command('svc', order, ifMatch).then((answer) => (asked.answer = answer))
  await settled()
  return asked
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test('a command to who follows is carried out by who decides, and in force here', async (t) => {
  const { world, leader, follower } = await startTwo()
  const { revision } = follower.evaluator.view('svc')!.state
  const paused = await give(follower, command('pause', { note: 'lunch' }), revision)
  t.equal(paused.answer, undefined)
  await world.run(250)
  await settled()
  t.match(paused.answer, { ok: true, decision: { action: 'pause', actor: 'ops', note: 'lunch' } })
  t.match(world.store.log.at(-1), { action: 'pause', actor: 'ops', note: 'lunch' })
  const { state } = follower.evaluator.view('svc')!
  t.match(state, { phase: 'paused', revision: revision + 1 }, 'known at once')
  const again = await give(follower, command('pause'))
  await world.run(500)
  t.same(again.answer, { ok: true, decision: null }, 'it was so already')

  const aborted = await give(follower, command('abort'))
  await world.run(250)
  await settled()
  t.match(aborted.answer, { ok: true, decision: { action: 'rollback', actor: 'ops' } })
  t.same([leader.weightBp, follower.weightBp], [0, 0])
  t.same(world.errors, [])
})

t.test('what who decides refuses is told in its words', async (t) => {
  const { world, follower } = await startTwo()
  const { revision } = follower.evaluator.view('svc')!.state
  const late = await give(follower, command('pause'), revision - 1)
  const wrong = await give(follower, command('undo'))
  await world.run(500)
  const detail = `the rollout is at revision ${revision}, not ${revision - 1}: read it again`
  t.same(late.answer, { ok: false, code: 'SERIN_STALE_REVISION', detail })
  t.match(wrong.answer, { ok: false, code: 'SERIN_REFUSED', detail: /`abort` ends it/ })
  t.equal(follower.evaluator.view('svc')!.state.revision, revision)
})

t.test('who has the same rollout from another file shows the revision that all have', async (t) => {
  const { world, leader, follower } = await startTwo()
  const { book, evaluator } = follower
  await evaluator.reconfigure([{ plan: buildPlan(SERVICE, 'another hash')!, book }], 'ops')
  await world.run(1000)
  const shown = [leader, follower].map(({ evaluator }) => evaluator.view('svc')!.state.revision)
  t.equal(shown[0], shown[1])
  const asked = await give(follower, command('pause'), shown[1])
  await world.run(500)
  t.match(asked.answer, { ok: true, decision: { action: 'pause' } })
})

t.test('of two commands for one revision one is carried out', async (t) => {
  const { world, follower } = await startTwo()
  const third = await world.start()
  await world.run(2000)
  const { revision } = follower.evaluator.view('svc')!.state
  const { length } = world.store.log
  const both = [follower, third].map((to) => give(to, command('pause'), revision))
  const asked = await Promise.all(both)
  await world.run(500)
  t.match(
    asked.map(({ answer }) => answer).toSorted((a, b) => Number(b!.ok) - Number(a!.ok)),
    [{ ok: true, decision: {} }, { code: 'SERIN_STALE_REVISION' }],
  )
  t.equal(world.store.log.length, length + 1)
})

t.test('a winner of a fixed split is promoted by who follows', async (t) => {
  const { world, leader, follower } = await startTwoSplits(threeWay([ERRORS]))
  const promote = { verb: 'promote', full: false, variant: 'b', actor: 'me', note: null } as const
  const asked = follower.evaluator.command('svc', promote, null)
  await settled()
  await world.run(500)
  t.match(await asked, { ok: true, decision: { actor: 'me' } })
  t.same([leader.winner, follower.winner], ['b', 'b'])
  t.equal(follower.evaluator.experiment('svc')!.winner, 'b')
  const abort = follower.evaluator.command('svc', command('abort'), null)
  await settled()
  await world.run(500)
  t.match(await abort, { ok: false, code: 'SERIN_REFUSED' })
  const { putOrder } = world.store
  world.store.putOrder = () => Promise.reject(new StoreError('full'))
  const full = follower.evaluator.command('svc', command('abort'), null)
  t.match(await full, { code: 'SERIN_STORE_FAILED' }, 'there is nothing to abort here')
  world.store.putOrder = putOrder
  const undo = follower.evaluator.command('svc', command('undo'), null)
  await settled()
  world.store.away = true
  await world.run(ORDER_WAIT_MS)
  t.match(await undo, { code: 'SERIN_STORE_FAILED', detail: /may have taken it/ })
})

t.test('who decides is asked by nobody where it is alone', async (t) => {
  const world = new Processes()
  await world.start()
  let asked = 0
  const { takeOrders } = world.store
  world.store.takeOrders = (...given) => {
    asked += 1
    return takeOrders(...given)
  }
  await world.run(5000)
  t.equal(asked, 0)
  await world.start()
  await world.run(5000)
  t.ok(asked > 10, `${asked} looks`)
})

t.test('where who decides has died, its successor carries the command out', async (t) => {
  const { world, follower } = await startTwo()
  const asked = await give(follower, command('pause'))
  await world.run(ORDER_WAIT_MS, [follower])
  await settled()
  t.match(asked.answer, { ok: true, decision: { action: 'pause', actor: 'ops' } }, 'itself')
  t.equal(world.store.orders.waiting.size, 0)

  const third = await world.start()
  await world.run(2000, [follower, third])
  const other = await world.start()
  await world.run(2000, [follower, third, other])
  const resumed = await give(other, command('resume'))
  await world.run(ORDER_WAIT_MS, [third, other])
  t.match(resumed.answer, { ok: true, decision: { action: 'resume' } }, 'or another one')
  t.ok(third.evaluator.leads)
})

t.test('who decides and takes no commands is named, and nothing was changed', async (t) => {
  const { world, follower } = await startTwo()
  const { length } = world.store.log
  // As an earlier version does.
  const { takeOrders } = world.store
  world.store.takeOrders = async () => []
  const asked = await give(follower, command('pause'))
  await world.run(ORDER_WAIT_MS - 250)
  t.equal(asked.answer, undefined)
  await world.run(250)
  const detail = /^p0 decides on this store and did not take the command: .* nothing was changed/
  t.match(asked.answer, { ok: false, code: 'SERIN_REFUSED', detail })
  world.store.takeOrders = takeOrders
  await world.run(5000)
  t.equal(world.store.log.length, length, 'nor is it later')
})

t.test('of a command that was taken, and not answered, nothing is claimed', async (t) => {
  const { world, follower } = await startTwo()
  const { takeOrders } = world.store
  // It dies with the order in its hands.
  world.store.takeOrders = async (...given) => {
    await takeOrders(...given)
    return []
  }
  const asked = await give(follower, command('pause'))
  await world.run(ORDER_WAIT_MS + ANSWER_WAIT_MS)
  t.match(asked.answer, {
    code: 'SERIN_STORE_FAILED',
    detail: /^whether the command was carried out is not known, read the status .*: p0 took it/,
  })
})

t.test('an abort is in force at once where the store goes while it waits there', async (t) => {
  const { world, leader, follower } = await startTwo()
  const { revision } = follower.evaluator.view('svc')!.state
  for (const ifMatch of [revision - 1, revision]) {
    const asked = await give(follower, command('abort', { note: 'complaints' }), ifMatch)
    world.store.away = true
    await world.run(250)
    const stale = { code: 'SERIN_STALE_REVISION' }
    t.match(asked.answer, ifMatch === revision ? { ok: true, decision: null } : stale)
    t.equal(follower.weightBp, ifMatch === revision ? 0 : 5000)
    await follower.evaluator.look()
    world.store.orders.waiting.clear()
    world.store.away = false
    if (ifMatch !== revision) await world.run(2000)
  }
  t.match(follower.evaluator.unstoredOf('svc'), /since ops aborted it/)
  await world.run(2000)
  t.same([leader.weightBp, follower.weightBp], [0, 0])
  t.match(world.store.log.at(-1), { action: 'rollback', actor: 'ops', note: 'complaints' })
})

t.test('an abort that who decides cannot store is in force there, and told so', async (t) => {
  const { world, leader, follower } = await startTwo()
  world.store.fails = true
  const asked = await give(follower, command('abort'))
  await world.run(500)
  t.match(asked.answer, { code: 'SERIN_STORE_FAILED', detail: /^the abort is in force in the/ })
  t.equal(leader.weightBp, 0)
  t.same(world.unstored, ['abort svc'], 'its other workers are told')
  world.store.fails = false
  await world.run(1000)
  t.equal(follower.weightBp, 0)
})

t.test('a command is not carried out under another configuration than it was meant', async (t) => {
  const named = (canary: string): Service => ({
    ...SERVICE,
    variants: SERVICE.variants.map((v) => (v.name === 'canary' ? { ...v, version: canary } : v)),
  })
  const { world, leader, follower } = await startTwo(named('9.9'))
  const { length } = world.store.log
  const code = 'SERIN_REFUSED'
  const otherwise = /^p0 decides on this store, by another configuration of this service/
  t.match((await give(follower, command('promote'))).answer, { code, detail: otherwise })
  const abort = await give(follower, command('abort'))
  await world.run(500)
  const versions = /service \(1\.4->2\.0, where this one has 1\.4->9\.9\): nothing was changed/
  t.match(abort.answer, { code, detail: versions })

  // Nobody knows the service any more.
  const third = await world.start()
  await world.run(2000)
  const pause = await give(third, command('pause'))
  await leader.evaluator.reconfigure([], 'configuration')
  await world.run(500)
  t.match(pause.answer, { code, detail: /\(nothing, where this one has 1\.4->2\.0\)/ })
  t.equal(world.store.log.length, length)
})

t.test('an abort of the same versions needs no more to agree', async (t) => {
  const other = { ...SERVICE, failureStatuses: [503] }
  const { world, leader, follower } = await startTwo(other)
  t.match(follower.evaluator.deciding('svc'), { differs: true })
  const asked = await give(follower, command('abort'))
  await world.run(500)
  t.match(asked.answer, { ok: true, decision: { action: 'rollback' } })
  t.same([leader.weightBp, follower.weightBp], [0, 0])
})

t.test('who has lost the lease carries out nothing that it took', async (t) => {
  const { world, leader, follower } = await startTwo()
  const { takeOrders } = world.store
  world.store.takeOrders = async (...given) => {
    const taken = await takeOrders(...given)
    world.clock.ms += 6000
    return taken
  }
  const { length } = world.store.log
  const asked = await give(follower, command('pause'))
  await world.run(250, [leader])
  await world.run(250, [follower])
  t.match(asked.answer, { code: 'SERIN_STORE_FAILED', detail: /lease .* nothing was changed/ })
  t.equal(world.store.log.length, length)
})

t.test('who ends answers what it has taken, and those that ask it', async (t) => {
  const { world, leader, follower } = await startTwo()
  const asked = await give(follower, command('pause'))
  await follower.evaluator.stop()
  await settled()
  t.match(asked.answer, { code: 'SERIN_REFUSED', detail: /did not take the command/ })
  const again = await world.start()
  await world.run(2000, [leader, again])
  const resumed = await give(again, command('pause'))
  void leader.evaluator.look()
  await leader.evaluator.stop()
  await world.run(250, [again])
  t.match(resumed.answer, { ok: true, decision: { action: 'pause' } })
})
