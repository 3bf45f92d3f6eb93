import t from 'tap'
import { createWriteGate, PROBE_AFTER_MS } from '../../src/store/write-gate.ts'
import { createFakeTimers } from './fake-timers.ts'

function setUp() {
  const timers = createFakeTimers()
  const disk = { isFull: true, probes: 0 }
  const gate = createWriteGate(async () => {
    disk.probes += 1
    if (disk.isFull) throw new Error(`no room, ${disk.probes}`)
  }, timers.setTimer)
  return { timers, disk, gate }
}

t.test('what fails shuts the gate, and only a probe opens it, once a second at most', async (t) => {
  const { timers, disk, gate } = setUp()
  t.notOk(gate.isShut())
  gate.shut(new Error('no room'))
  t.ok(gate.isShut())
  await t.rejects(gate.open(), { message: 'no room' })
  t.same([disk.probes, timers.delays()], [0, [PROBE_AFTER_MS]], 'nothing is tried at once')

  timers.fire()
  await t.rejects(gate.open(), { message: 'no room, 1' })
  await t.rejects(gate.open(), { message: 'no room, 1' }, 'the next second has begun')
  t.same([disk.probes, timers.delays()], [1, [PROBE_AFTER_MS]])

  disk.isFull = false
  await t.rejects(gate.open(), { message: 'no room, 1' })
  timers.fire()
  t.ok(gate.isShut(), 'time alone does not open it')
  await gate.open()
  t.notOk(gate.isShut())
  t.same([disk.probes, timers.delays()], [2, []])
})

t.test('several who wait at the gate share one probe', async (t) => {
  const { timers, disk, gate } = setUp()
  gate.shut(new Error('no room'))
  gate.shut(new Error('no room either'))
  t.same(timers.delays(), [PROBE_AFTER_MS], 'of writes under way at once')
  timers.fire()
  disk.isFull = false
  await Promise.all([gate.open(), gate.open(), gate.open()])
  t.equal(disk.probes, 1)
})
