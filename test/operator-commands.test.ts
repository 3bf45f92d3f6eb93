import t from 'tap'
import type { Deciding } from '../src/domain/replica.ts'
import { DECIDED_ELSEWHERE, STORE_FAILED, refusedBy } from '../src/evaluator/command-results.ts'
import type { RunnerResult } from '../src/evaluator/runner-deps.ts'
import { createOperatorCommands } from '../src/operator-commands.ts'
import { fakeStatus } from './admin/fake-deps.ts'
import { command } from './fakes/rollout.ts'

type World = {
  readonly deciding?: Partial<Deciding>
  readonly store?: string
  readonly hasJoined?: boolean
  readonly unstored?: string
  readonly note?: string
}

/** Gives a command where the rollout's answer is `result`; `told` = what the log and the other processes are told. */
async function give(
  result: RunnerResult | null,
  world: World = {},
  verb: 'abort' | 'pause' = 'abort',
) {
  const { deciding = {}, store = 'up', hasJoined = true, unstored = null, note = null } = world
  const told: unknown[] = []
  const carryOut = createOperatorCommands({
    evaluator: {
      command: async () => result,
      deciding: () => ({ lead: 'unknown', holder: null, differs: false, ...deciding }),
    },
    look: { status: () => ({ ...fakeStatus(), unstored }) },
    store: { hasJoined: () => hasJoined, describe: () => store },
    siblings: { abort: async (...order) => void told.push(order) },
    log: {
      info: (...line: unknown[]) => void told.push(line),
      warn: (...line: unknown[]) => void told.push(line),
    },
  })
  return { answer: await carryOut('credit-risk', command(verb, { note }), null), told }
}

async function refusalOf(result: RunnerResult, deciding: Partial<Deciding>, store = 'up') {
  return (await give(result, { deciding, store })).answer
}

t.test('what was decided is told as it is, and in a change of the lease nothing was', async (t) => {
  const elsewhere = { lead: 'elsewhere', holder: 'gw-2:4711:0a1b2c3d' } as const
  const other = refusedBy('there is nothing to abort')
  t.strictSame(await refusalOf(other, elsewhere, 'away'), other)
  const changing = { code: 'SERIN_REFUSED', detail: /nothing was changed: try again$/ }
  t.match(await refusalOf(DECIDED_ELSEWHERE, elsewhere), changing)
})

t.test('where nobody decides, the store is named, and no process that is not there', async (t) => {
  const code = 'SERIN_STORE_FAILED'
  const nobody = 'nobody holds the lease to decide on this store'
  t.match(await refusalOf(DECIDED_ELSEWHERE, {}, 'without its data (LOST)'), {
    code,
    detail: `${nobody}: the store is without its data (LOST)`,
  })
  t.match(await refusalOf(DECIDED_ELSEWHERE, {}), {
    code,
    detail: `${nobody}: try again in some seconds`,
  })
  const here = { lead: 'here' } as const
  const detail = 'the store did not take the change'
  t.match(await refusalOf(STORE_FAILED, here, 'away since'), {
    code,
    detail: `${detail}: it is away since`,
  })
  t.match(await refusalOf(STORE_FAILED, here), { code, detail })
})

const HERE = { ok: true, decision: null } as const

t.test('what is in force and not stored is pending, in all processes of the gateway', async (t) => {
  const unstored = 'nothing since ops aborted it: stored when the store is back'
  const { answer, told } = await give(HERE, { unstored, store: 'away since noon' })
  t.match(answer, { ...HERE, pending: `${unstored} (it is away since noon)`, status: { unstored } })
  t.strictSame(told, [
    [
      { service: 'credit-risk', actor: 'ops', note: null },
      'an abort is in force here, and is not stored yet',
    ],
    ['credit-risk', command('abort')],
  ])
  t.match((await give(HERE, { unstored })).answer, { pending: unstored })
  const changedNothing = await give(HERE)
  t.match(changedNothing.answer, { ...HERE, pending: null })
  t.same(changedNothing.told, [])
})

t.test('a reason that no decision has, since nothing changed, is in the log', async (t) => {
  const { told } = await give(HERE, { note: 'the nightly batch runs' }, 'pause')
  const said = { service: 'credit-risk', verb: 'pause', actor: 'ops' }
  t.strictSame(told, [[{ ...said, note: 'the nightly batch runs' }, 'a command changed nothing']])
})

t.test('of a store that was never reached only what is remembered can be aborted', async (t) => {
  const never = { hasJoined: false, store: 'not reached since the start' }
  const detail = 'the store has not been reached since the start: nothing was decided'
  const refusal = { ok: false, code: 'SERIN_STORE_FAILED', detail }
  const unstored = 'nothing since ops aborted it'
  t.match((await give(HERE, { ...never, unstored })).answer, {
    ok: true,
    pending: /^nothing since/,
  })
  t.match((await give(HERE, never, 'pause')).answer, refusal)
  t.match((await give(null, never)).answer, refusal)
  t.match((await give(null)).answer, {
    code: 'SERIN_REFUSED',
    detail: /there is nothing to decide/,
  })
})
