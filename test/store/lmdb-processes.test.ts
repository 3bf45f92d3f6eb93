import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Test } from 'tap'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import type { Store } from '../../src/store/store.ts'
import { SERVICE, commit, samplePrediction, takeLease } from './samples.ts'

const SCRIPT = fileURLToPath(new URL('./commit-loop.js', import.meta.url))

t.test('a process killed at any moment loses nothing that it committed', async (t) => {
  const path = t.testdir()
  let acknowledged = 0
  for (let round = 0; round < 5; round += 1) {
    const child = startCommitting(t, path, 'same holder')
    const lines = 1 + Math.floor(Math.random() * 30)
    for await (const line of firstLines(child, lines)) acknowledged = Number(line)
    child.kill('SIGKILL')
    // What it printed until it died counts as well.
    for await (const line of child.rest()) acknowledged = Number(line)

    const store = await openStore(path)
    const record = await store.readRollout(SERVICE)
    const [last] = await store.decisions(SERVICE, { after: 0, limit: 1 })
    const revision = record!.state.revision
    t.ok(revision >= acknowledged, `revision ${revision} has everything up to ${acknowledged}`)
    t.ok(revision <= acknowledged + 1, 'and at most the change that was not told yet')
    t.equal(last!.id, revision, 'every change has its decision')
    t.equal(last!.to.weights['canary'], record!.state.weightBp / 100, 'weights are those decided')
    t.strictSame(record!.evidence?.starts, [revision])
    t.strictSame(
      record!.cohorts.map((cohort) => cohort.number),
      [revision],
    )
    t.equal(record!.units.length, revision)
    const query = { service: SERVICE, requestId: `r-${revision}` }
    t.match(await store.findPredictions([query]), [{ found: 'pending' }])
    await store.close()
  }
})

t.test('two processes write the same store: one holds the lease, both are seen', async (t) => {
  const path = t.testdir()
  const store = await openStore(path)
  t.teardown(() => store.close())
  const first = await takeLease(store, 'parent')
  t.match(await commit(store, first, null), { ok: true })
  await store.releaseLease(first)
  const child = startCommitting(t, path, 'child')
  for await (const line of firstLines(child, 5)) t.ok(Number(line) > 0)

  t.equal(await store.acquireLease('parent', 1000, Date.now()), null, 'the child holds the lease')
  const lease = await store.acquireLease('parent', 1000, Date.now() + 120_000)
  t.match(lease, { holder: 'parent', token: 3 }, 'until its time is over')
  const own = await commit(store, lease!, null, { service: 'own' })
  t.match(own, { ok: true })

  const before = await store.readRollout(SERVICE)
  const { revision } = before!.state
  t.match(await commit(store, lease!, 1), { reason: 'conflict' }, 'what it wrote itself is old')
  t.match(await commit(store, lease!, revision), { ok: true }, 'now the parent decides')
  t.equal((await store.readRollout(SERVICE))?.state.revision, revision + 1)
  child.kill('SIGKILL')
  await child.gone
})

t.test('of two processes that take the same labels at once each has its own', async (t) => {
  const path = t.testdir()
  const store = await openStore(path)
  const count = 5000
  const ids = Array.from({ length: count }, (_, index) => ({ requestId: `r-${index}` }))
  await store.putPredictions(ids.map((id) => samplePrediction(id)))
  const script = fileURLToPath(new URL('./take-loop.js', import.meta.url))
  // Both steps reach all records, in different orders.
  const children = ['1', '3'].map((step) => {
    const child = spawn(process.execPath, [script, path, String(count), step], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
  })
  for (const { lines } of children) t.same(await lines.next(), { value: 'ready', done: false })
  for (const { child } of children) child.stdin.write('go\n')
  const won = await Promise.all(
    children.map(async ({ lines }) =>
      String((await lines.next()).value)
        .split(' ')
        .map(Number),
    ),
  )
  for (const own of won) t.ok(own.length > 100, `${own.length} of ${count}`)
  t.strictSame(
    won.flat().sort((a, b) => a - b),
    ids.map((_, index) => index + 1),
  )
  await store.close()
})

t.test(
  'a full disk is an error of the call, and neither ends the process nor loses data',
  async (t) => {
    const script = fileURLToPath(new URL('./full-disk.js', import.meta.url))
    // Files of this process may not grow beyond 1,024 blocks.
    const command = 'ulimit -f 1024 && exec "$0" "$@"'
    const child = spawn('sh', ['-c', command, process.execPath, script, t.testdir()], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [printed, raw] = await Promise.all([text(child.stdout), text(child.stderr)])
    if (child.exitCode === null) await once(child, 'exit')
    t.equal(child.exitCode, 0)
    t.match(JSON.parse(printed), {
      code: 'SERIN_STORE_FAILED',
      message: /^cannot save predictions: /,
      refused: 50,
      found: 'pending',
    })
    // Of the two probes the C code of LMDB prints two lines each, which nobody can keep it from; and no trace of any.
    const lines = raw
      .split('\n')
      .filter((line) => !/^mdb_page_spill (?:flushing )?error \d+$/.test(line))
    t.same(lines, ['all else is printed', ''])
  },
)

type Committing = {
  readonly kill: (signal: NodeJS.Signals) => void
  readonly gone: Promise<unknown>
  readonly next: () => Promise<IteratorResult<string>>
  /** The lines that are left when it is dead. */
  readonly rest: () => AsyncIterable<string>
}

function startCommitting(t: Test, path: string, holder: string): Committing {
  const child: ChildProcess = spawn(process.execPath, [SCRIPT, path, holder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  t.teardown(async () => {
    child.kill('SIGKILL')
    await gone
  })
  return {
    kill: (signal) => void child.kill(signal),
    gone,
    next: () => lines.next(),
    rest: () => ({ [Symbol.asyncIterator]: () => lines }),
  }
}

async function* firstLines(child: Committing, count: number): AsyncGenerator<string> {
  for (let line = 0; line < count; line += 1) {
    const { value, done } = await child.next()
    if (done === true) throw new Error('the process ended by itself')
    yield value
  }
}

function openStore(path: string): Promise<Store> {
  return openLmdbStore({
    path,
    maxBytes: 64 * 1024 ** 2,
    maxPending: 1_000_000,
    retentionMs: 86_400_000,
    log: { info: () => {}, warn: () => {} },
  })
}
