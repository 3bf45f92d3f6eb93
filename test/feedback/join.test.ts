import t from 'tap'
import type { Test } from 'tap'
import { createFeedbackJoin, type Booked } from '../../src/feedback/join.ts'
import { parseFeedback } from '../../src/feedback/parse.ts'
import { createPredictionBuffer } from '../../src/store/prediction-buffer.ts'
import { openLmdbStore } from '../../src/store/lmdb-store.ts'
import { events } from '../fakes/evidence.ts'
import { FeedbackStore, makeWorld } from './join-world.ts'
import { SERVICE, commit, sampleCohort, samplePrediction, takeLease } from '../store/samples.ts'

t.test('a label of a pair is booked, though its request is no draw', async (t) => {
  const pair = { cohort: 7, copy: 4 }
  const world = makeWorld([
    samplePrediction({ cohort: -1, pair }),
    samplePrediction({ requestId: 'r-2', cohort: -1 }),
  ])
  const lines = ['{"requestId":"r-1","label":5}', '{"requestId":"r-2","label":5}']
  t.match(await world.accept(...lines), { joined: 2 })
  t.match(world.booked, [{ prediction: { requestId: 'r-1', pair }, label: 5 }])
  t.equal(world.booked.length, 1)
})

t.test('nothing is taken before the cohorts are known, nor where they never are', async (t) => {
  let hear = () => {}
  const heard = new Promise<void>((resolve) => (hear = resolve))
  const world = makeWorld([samplePrediction()], { hears: () => heard })
  const line = '{"requestId":"r-1","label":5}'
  const report = world.accept(line)
  t.strictSame([world.commits, world.booked], [[], []])
  hear()
  t.match(await report, { joined: 1 })
  const ending = makeWorld([samplePrediction()], {
    hears: () => Promise.reject(new Error('ends')),
  })
  await t.rejects(ending.accept(line), { message: 'ends' })
  t.strictSame([ending.commits, ending.refused], [[], 1])
})

t.test('a label that a metric cannot score is joined, and counted beside that', async (t) => {
  const world = makeWorld([samplePrediction(), samplePrediction({ requestId: 'r-2' })])
  const lines = ['{"requestId":"r-1","label":-1}', '{"requestId":"r-2","label":1}']
  t.match(await world.accept(...lines), { joined: 2, unscored: 1 })
  t.match(await world.accept(...lines), { duplicate: 2, unscored: 0 })
})

t.test('a label is booked with its prediction and the time, and marked in the store', async (t) => {
  const world = makeWorld([samplePrediction()])
  const report = await world.accept('{"requestId":"r-1","label":4.5}')
  t.strictSame(report, {
    joined: 1,
    unmatched: 0,
    late: 0,
    duplicate: 0,
    unscored: 0,
    rejected: [],
  })
  t.strictSame(world.booked, [{ prediction: samplePrediction(), label: 4.5 }])
  t.strictSame(world.commits, [
    {
      labels: [{ record: 0, prediction: samplePrediction(), label: 4.5 }],
      events: [],
      tallies: [],
    },
  ])
  t.strictSame(world.counts, { 'credit-risk joined': 1 })
})

t.test('lines that match nothing are unmatched and store nothing', async (t) => {
  const world = makeWorld([samplePrediction()])
  const report = await world.accept(
    '{"requestId":"x","label":1}',
    '{"requestId":"r-1","service":"other","label":1}',
  )
  t.match(report, { joined: 0, unmatched: 2, rejected: [] })
  t.strictSame(world.commits, [])
  t.strictSame(world.counts, { 'null unmatched': 1, 'other unmatched': 1 })
})

t.test('a second label for a request is a duplicate, in one batch, slice or later', async (t) => {
  for (const sliceLines of [1, 10]) {
    const world = makeWorld([samplePrediction()], { sliceLines })
    const first = await world.accept(
      '{"requestId":"r-1","label":1}',
      `{"requestId":"r-1","service":"${SERVICE}","label":2}`,
    )
    t.match(first, { joined: 1, duplicate: 1 })
    t.match(await world.accept('{"requestId":"r-1","label":1}'), { joined: 0, duplicate: 1 })
    t.strictSame(
      world.booked.map(({ label }) => label),
      [1],
    )
    t.strictSame(world.counts, { 'credit-risk joined': 1, 'credit-risk duplicate': 2 })
  }
})

t.test('a late label is marked like any other, so that it is late once', async (t) => {
  const world = makeWorld([samplePrediction()], {
    bookLabel: () => ({ result: 'late', changed: null }),
  })
  t.match(await world.accept('{"requestId":"r-1","label":1}'), { joined: 0, late: 1 })
  t.match(await world.accept('{"requestId":"r-1","label":1}'), { late: 0, duplicate: 1 })
  t.match(world.shown, [{ label: 1, result: 'late' }])
})

t.test('a request that is no evidence is joined and shown once, and booked nowhere', async (t) => {
  const prediction = samplePrediction({ cohort: -1 })
  const world = makeWorld([prediction])
  t.match(await world.accept('{"requestId":"r-1","label":1}'), { joined: 1 })
  t.match(await world.accept('{"requestId":"r-1","label":2}'), { duplicate: 1 })
  t.strictSame(world.booked, [])
  t.strictSame(world.shown, [{ prediction, label: 1, result: 'joined' }])
  t.equal(world.commits.length, 1)
})

t.test('cohorts that changed are stored with the labels, each once', async (t) => {
  const [one, two] = [changed(1), changed(2)]
  const predictions = ['a', 'b', 'c', 'd'].map((requestId) => samplePrediction({ requestId }))
  const byId: Record<string, Booked['changed']> = { a: one, b: two, c: one, d: null }
  const world = makeWorld(predictions, {
    bookLabel: ({ requestId }) => ({ result: 'joined', changed: byId[requestId]! }),
  })
  await world.accept(...['a', 'b', 'c', 'd'].map((id) => `{"requestId":"${id}","label":1}`))
  t.equal(world.commits.length, 2)
  t.strictSame(world.commits[1], {
    labels: [],
    events: [],
    tallies: [
      { ...one, service: SERVICE },
      { ...two, service: SERVICE },
    ],
  })
})

t.test('ambiguous ids, unknown services and bad lines are rejected with their line', async (t) => {
  const world = makeWorld([samplePrediction(), samplePrediction({ service: 'other' })])
  const report = await world.accept(
    '{"requestId":"r-1","label":1}',
    '{"requestId":"r-1","service":"nope","label":1}',
    'x',
    '{"requestId":"r-1","service":"other","label":1}',
  )
  t.strictSame(report, {
    joined: 1,
    unmatched: 0,
    late: 0,
    duplicate: 0,
    unscored: 0,
    rejected: [
      { line: 1, error: 'requestId matches services credit-risk, other: name one in `service`' },
      { line: 2, error: 'unknown service "nope" (known: credit-risk, other)' },
      { line: 3, error: 'not JSON: unexpected "x" at character 1' },
    ],
  })
  t.strictSame(world.counts, { 'null rejected': 3, 'other joined': 1 })
})

t.test('rejected lines stand in the order of their lines', async (t) => {
  const world = makeWorld([samplePrediction(), samplePrediction({ service: 'other' })])
  const report = await world.accept('{"requestId":"r-1","label":1}', 'x', 'y')
  t.strictSame(
    report.rejected.map(({ line }) => line),
    [1, 2, 3],
  )
})

t.test('a long list of services is cut short', async (t) => {
  const services = Array.from({ length: 12 }, (_, index) => `s${index}`)
  const world = makeWorld([], { services: () => services })
  const report = await world.accept('{"requestId":"r-1","service":"x","label":1}')
  t.match(report.rejected[0]?.error, /\(known: s0, .*, s9, …\)$/)
})

t.test('what is still in the buffer is written before it is looked up and marked', async (t) => {
  const prediction = samplePrediction()
  const world = makeWorld([])
  let flushes = 0
  world.deps.buffer = {
    find: (_service, requestId) => (requestId === 'r-1' ? [prediction] : []),
    holdsUnit: () => false,
    flush: async () => {
      flushes += 1
      world.predictions.push(prediction)
    },
  }
  t.match(await world.accept('{"requestId":"r-2","label":1}'), { unmatched: 1 })
  t.equal(flushes, 0)
  t.match(await world.accept('{"requestId":"r-1","label":1}'), { joined: 1 })
  t.equal(flushes, 1)
})

t.test('batches that come at once are joined one after the other', async (t) => {
  const world = makeWorld([samplePrediction()])
  const line = '{"requestId":"r-1","label":1}'
  const reports = await Promise.all([world.accept(line), world.accept(line), world.accept(line)])
  t.strictSame(
    reports.map(({ joined }) => joined),
    [1, 0, 0],
  )
  t.equal(world.booked.length, 1)
})

t.test('posts of one line that wait at the same time are one change of the store', async (t) => {
  const ids = Array.from({ length: 250 }, (_, n) => `r-${n}`)
  const world = makeWorld(ids.map((requestId) => samplePrediction({ requestId })))
  const post = (requestId: string) => world.accept(`{"requestId":"${requestId}","label":1}`)
  const posts = [...ids.map(post), post('r-0'), post('nobody')]
  const reports = await Promise.all(posts)
  t.ok(
    reports.slice(0, 250).every(({ joined }) => joined === 1),
    'each has its own report',
  )
  t.match(reports.slice(250), [
    { joined: 0, duplicate: 1 },
    { joined: 0, unmatched: 1 },
  ])
  t.same(
    world.commits.map(({ labels }) => labels.length),
    [100, 100, 50],
    'no more than a slice at once',
  )
  t.same(world.booked.length, 250)
})

t.test('a batch is joined before what comes after it, and after what came before', async (t) => {
  const ids = ['r-1', 'r-2', 'r-3', 'r-4']
  const world = makeWorld(ids.map((requestId) => samplePrediction({ requestId })))
  const lines = ids.map((requestId) => `{"requestId":"${requestId}","label":1}`)
  const reports = await Promise.all([
    world.accept(lines[0]!),
    world.accept(...lines.slice(0, 3)),
    world.accept(lines[3]!),
  ])
  t.match(reports, [{ joined: 1 }, { joined: 2, duplicate: 1 }, { joined: 1 }])
  t.same(
    world.commits.map(({ labels }) => labels.length),
    [1, 2, 1],
  )
})

t.test('posts that went together fail together, and can be sent again', async (t) => {
  const world = makeWorld(['r-1', 'r-2'].map((requestId) => samplePrediction({ requestId })))
  const post = (n: number) => world.accept(`{"requestId":"r-${n}","label":1}`)
  world.failWith = new Error('full')
  const failed = await Promise.allSettled([post(1), post(2)])
  t.match(failed, [
    { status: 'rejected', reason: { message: 'full' } },
    { status: 'rejected', reason: { message: 'full' } },
  ])
  t.same(world.booked, [])
  world.failWith = null
  const again = await Promise.all([post(1), post(2)])
  t.same(world.booked.length, 2)
  t.same(
    again.map(({ joined, duplicate }) => joined + duplicate),
    [1, 1],
  )
})

t.test('nothing is acknowledged when the store fails, and nothing is booked twice', async (t) => {
  const tallies = changed(7)
  const world = makeWorld([samplePrediction(), samplePrediction({ requestId: 'r-2' })], {
    bookLabel: () => {
      world.failWith = failure
      return { result: 'joined', changed: tallies }
    },
  })
  const failure = new Error('disk full')
  const line = '{"requestId":"r-1","label":4}'
  await t.rejects(world.accept(line), failure)
  await t.rejects(world.accept('{"requestId":"r-2","label":5}'), failure)
  t.equal(world.booked.length, 1, 'while the store fails nothing more is booked')
  t.equal(world.refused, 2)
  await t.rejects(world.accept(`${line}\n\n${line}\n${line}`), failure)
  t.equal(world.refused, 5, 'each line of a post')
  t.strictSame(world.counts, {})
  world.failWith = null
  t.match(await world.accept(line), { duplicate: 1 })
  t.equal(world.booked.length, 1)
  t.same(
    world.commits.map(({ labels, tallies }) => [labels.length, tallies]),
    [
      [1, []],
      [0, [{ ...tallies, service: SERVICE }]],
    ],
  )
  t.strictSame(world.counts, { 'credit-risk joined': 1, 'credit-risk duplicate': 1 })
})

t.test('what the store may have taken is counted once it has answered', async (t) => {
  for (const what of ['failWith', 'failsAfter'] as const) {
    const world = makeWorld([samplePrediction()])
    const failure = new Error('no answer')
    world[what] = failure
    const line = '{"requestId":"r-1","label":4}'
    await t.rejects(world.accept(line), failure)
    t.strictSame([world.booked, world.counts], [[], {}], 'not before')
    await t.rejects(world.accept(), failure)
    t.equal(world.later.length, 1, 'it is tried again one time after the other')
    world[what] = null
    world.later[0]!()
    await world.accept()
    t.equal(world.booked.length, 1)
    t.strictSame(world.counts, { 'credit-risk joined': 1 })
    t.match(await world.accept(line), { joined: 0, duplicate: 1 })
    t.equal(world.later.length, 1, 'and no more when it is stored')
  }
})

t.test('what is tried again goes on being tried', async (t) => {
  const world = makeWorld([samplePrediction()])
  world.failWith = new Error('away')
  await t.rejects(world.accept('{"requestId":"r-1","label":4}'))
  world.later[0]!()
  await t.rejects(world.accept())
  t.equal(world.later.length, 2)
})

t.test('after the last call nothing is tried again', async (t) => {
  const world = makeWorld([samplePrediction()])
  world.failWith = new Error('away')
  await t.rejects(world.accept('{"requestId":"r-1","label":4}'))
  await t.rejects(world.finish())
  t.equal(world.later.length, 1, 'what fails now is lost')
  world.failWith = null
  const asked = world.commits.length
  world.later[0]!()
  await new Promise(setImmediate)
  t.equal(world.commits.length, asked, 'also by what was to be tried before')
})

t.test('of two processes that are told the same at the same moment one counts it', async (t) => {
  const store = new FeedbackStore()
  const predictions = ['r-1', 'r-2'].map((requestId) => samplePrediction({ requestId }))
  const [one, other] = [makeWorld(predictions, {}, store), makeWorld(predictions, {}, store)]
  const lines = ['{"requestId":"r-1","label":4}', '{"requestId":"r-2","label":5}']
  const faster: Promise<unknown>[] = []
  one.meanwhile = () => {
    one.meanwhile = () => {}
    store.take({ labels: [{ record: 0, prediction: predictions[0]!, label: 4 }], events: [] })
    faster.push(other.accept(lines[0]!))
  }
  t.match(await one.accept(...lines), { joined: 1, duplicate: 1 })
  await Promise.all(faster)
  t.match(one.booked, [{ prediction: { requestId: 'r-2' } }])
  t.strictSame(one.counts, { 'credit-risk joined': 1, 'credit-risk duplicate': 1 })
})

t.test('what another process took is unmatched where its record has gone', async (t) => {
  const prediction = samplePrediction()
  const world = makeWorld([prediction])
  world.meanwhile = () => {
    world.meanwhile = () => {}
    world.predictions.splice(0)
    world.store.marked.add(prediction)
  }
  t.match(await world.accept('{"requestId":"r-1","label":4}'), { joined: 0, unmatched: 1 })
  t.strictSame(world.booked, [])
})

t.test('a booking that fails half-way leaves nothing that could be booked twice', async (t) => {
  const predictions = ['a', 'b', 'c'].map((requestId) => samplePrediction({ requestId }))
  let isBroken = true
  const world = makeWorld(predictions, {
    bookLabel: ({ requestId }) => {
      if (requestId === 'b' && isBroken) throw new Error('broken')
      return { result: 'joined', changed: null }
    },
  })
  const lines = ['a', 'b', 'c'].map((id) => `{"requestId":"${id}","label":1}`)
  await t.rejects(world.accept(...lines), /broken/)
  isBroken = false
  t.match(await world.accept(...lines), { duplicate: 3 })
  t.equal(world.booked.length, 3, 'each was tried once')
})

t.test('others get their turn between the slices of a long batch', async (t) => {
  const world = makeWorld([], { sliceLines: 10 })
  const lines = Array.from({ length: 100 }, (_, index) => `{"requestId":"${index}","label":1}`)
  let turns = 0
  let isDone = false
  const spin = () => {
    turns += 1
    if (!isDone) setImmediate(spin)
  }
  setImmediate(spin)
  await world.accept(...lines)
  isDone = true
  t.ok(turns >= 10, `${turns} turns`)
})

t.test('a slice has fewer lines where they are long', async (t) => {
  const slices: number[] = []
  const world = makeWorld([], {
    store: {
      findPredictions: async (queries) => {
        slices.push(queries.length)
        return queries.map(() => ({ found: 'none' }))
      },
      commitFeedback: async () => ({ labels: [], events: [] }),
    },
  })
  const long = `{"requestId":"${'r'.repeat(20_000)}","label":1}`
  await world.accept(long, long, long, '{"requestId":"a","label":1}', long)
  t.same(slices, [2, 3])
})

t.test('an error repeats the beginning of a name alone', async (t) => {
  const world = makeWorld([])
  const name = 'n'.repeat(60_000)
  const { rejected } = await world.accept(
    `{"requestId":"a","service":"${name}","label":1}`,
    `{"requestId":"a","event":"${name}"}`,
  )
  t.match(rejected, [
    { error: /^unknown service "n{40}…" \(known/ },
    { error: /counts the event "n{40}…" \(known/ },
  ])
})

t.test('with a real store labels survive a restart, and find predictions just made', async (t) => {
  const path = t.testdir()
  const first = await openRealWorld(t, path)
  const lease = await takeLease(first.store)
  await commit(first.store, lease, null, { putCohorts: [sampleCohort(7)] })
  for (let index = 0; index < 500; index += 1) {
    first.buffer.add(samplePrediction({ requestId: `r-${index}` }))
  }
  const lines = Array.from({ length: 501 }, (_, index) => `{"requestId":"r-${index}","label":1}`)
  t.match(await first.accept(lines), { joined: 500, unmatched: 1 })
  await first.close()
  const second = await openRealWorld(t, path)
  t.match(await second.accept(lines), { joined: 0, duplicate: 500, unmatched: 1 })
  const record = await second.store.readRollout(SERVICE)
  t.strictSame(record?.cohorts, [sampleCohort(7, { tallies: { x: events([500, 0], [0, 0]) } })])
  await second.close()
})

async function openRealWorld(t: Test, path: string) {
  const store = await openLmdbStore({
    path,
    maxBytes: 64 * 1024 ** 2,
    maxPending: 10_000,
    retentionMs: 1e9,
    log: { info: () => {}, warn: () => {} },
  })
  const buffer = createPredictionBuffer({ store, onError: (error) => t.fail(String(error)) })
  const tally = events([0, 0], [0, 0])
  const join = createFeedbackJoin({
    services: () => [SERVICE],
    buffer,
    store,
    eventFields: () => new Map(),
    showLabel: () => true,
    bookLabel: () => {
      tally.trials[0] += 1
      return { result: 'joined', changed: { ...changed(7), tallies: { x: tally } } }
    },
    bookEvent: () => {
      throw new Error('there are no events')
    },
    clock: { now: () => 5000 },
    count: () => {},
    countRefused: () => {},
    later: () => {},
  })
  return {
    store,
    buffer,
    accept: (lines: readonly string[]) =>
      join.accept(parseFeedback(lines.join('\n'), 'application/x-ndjson')),
    close: async () => {
      await buffer.close()
      await store.close()
    },
  }
}

function changed(cohort: number): NonNullable<Booked['changed']> {
  return { rollout: sampleCohort(cohort).rollout, cohort, tallies: {} }
}

t.test('tallies are stored with the next slice, and the last ones before the answer', async (t) => {
  const predictions = ['a', 'b', 'c'].map((requestId) => samplePrediction({ requestId }))
  const world = makeWorld(predictions, {
    sliceLines: 1,
    bookLabel: () => ({ result: 'joined', changed: changed(7) }),
  })
  await world.accept(...['a', 'b', 'c'].map((id) => `{"requestId":"${id}","label":1}`))
  t.same(
    world.commits.map(({ labels, tallies }) => [labels.length, tallies.length]),
    [
      [1, 0],
      [1, 1],
      [1, 1],
      [0, 1],
    ],
  )
  t.strictSame(world.counts, { 'credit-risk joined': 3 })
})
