import t from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import { takeInArrived } from '../../src/proxy/take-in-arrived.ts'
import { createFakeDeps, LOOPBACK } from '../admin/fake-deps.ts'
import { startGateway } from '../support/start-gateway.ts'

/** How often the clock is read until it is over, where the turns of the event loop take these times in turn. */
async function readsWith(...turnsMs: readonly number[]): Promise<number> {
  let now = 0
  let reads = 0
  await takeInArrived(() => {
    // It is read before a turn and after it; the first time before all of them.
    if (reads > 0 && reads % 2 === 0) now += turnsMs[(reads / 2 - 1) % turnsMs.length]!
    reads++
    return now
  })
  return reads
}

t.test('a turn that brought nothing ends it', async (t) => {
  t.equal(await readsWith(0), 3)
  t.equal(await readsWith(2, 2, 0), 7, 'the third one')
})

t.test('a process that is never without work goes on after many turns', async (t) => {
  t.equal(await readsWith(0.1), 2001)
})

t.test('one whose turns are slow goes on after a second', async (t) => {
  t.equal(await readsWith(100), 22)
})

t.test('no time limit of the library ends a start or a close that takes long', async (t) => {
  const gateway = await startGateway([])
  t.teardown(() => gateway.close())
  const admin = createAdminServer(createFakeDeps({}), LOOPBACK)
  t.teardown(() => admin.close())
  for (const server of [gateway.server, admin]) t.equal(server.initialConfig.pluginTimeout, 0)
})
