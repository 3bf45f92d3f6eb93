import t from 'tap'
import type { Deciding } from '../src/domain/replica.ts'
import { DECIDED_ELSEWHERE, STORE_FAILED, refusedBy } from '../src/evaluator/command-results.ts'
import type { RunnerResult } from '../src/evaluator/runner-deps.ts'
import { createOperatorCommands } from '../src/operator-commands.ts'
import { fakeStatus } from './admin/fake-deps.ts'
import { command } from './fakes/rollout.ts'

/** What an operator is told where the rollout's answer is `result`. */
function refusalOf(result: RunnerResult, deciding: Partial<Deciding>, store = 'up') {
  const asked = createOperatorCommands(
    {
      command: async () => result,
      deciding: () => ({ lead: 'unknown', holder: null, differs: false, ...deciding }),
    },
    { status: () => fakeStatus() },
    { hasJoined: () => true, describe: () => store },
  )
  return asked('credit-risk', command('abort'), null)
}

t.test('who follows names the process that decides, where it is known', async (t) => {
  const code = 'SERIN_REFUSED'
  const known = { lead: 'elsewhere', holder: 'gw-2:4711:0a1b2c3d' } as const
  const at = 'another process holds the lease to decide on this store'
  const detail = `${at}: ask process 4711 on gw-2, or try again in 5 s if it has ended`
  t.match(await refusalOf(DECIDED_ELSEWHERE, known), { code, detail })
  const unknown = { lead: 'elsewhere' } as const
  t.match(await refusalOf(DECIDED_ELSEWHERE, unknown), { code, detail: `${at}: ask that one` })
  const other = refusedBy('there is nothing to abort')
  t.strictSame(await refusalOf(other, known, 'away'), other, 'what was decided is told as it is')
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
