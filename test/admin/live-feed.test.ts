import type { ServerResponse } from 'node:http'
import t from 'tap'
import type { ReloadStanding } from '../../src/admin/admin-deps.ts'
import { EventStream } from '../../src/admin/event-stream.ts'
import { LiveFeed, type LiveFeedDeps } from '../../src/admin/live-feed.ts'
import type { ServiceStatus } from '../../src/admin/service-status.ts'
import type { Decision } from '../../src/domain/decision.ts'
import type { RolloutState } from '../../src/domain/rollout-state.ts'
import {
  createFakeDeps,
  fakeDecision,
  fakeMetric,
  fakeState,
  fakeStatus,
  NOW,
} from './fake-deps.ts'

type Told = {
  readonly name: string
  readonly id: string | null
  readonly data: Readonly<Record<string, unknown>>
}

/** A reader that notes what it was sent; where `waiting` is set, it has not read so many bytes. */
class Reader {
  readonly told: Told[] = []
  comments = 0
  dropped = 0
  isAllowed = true
  waiting = 0
  writableEnded = false
  destroyed = false
  readonly stream = new EventStream(
    this as unknown as ServerResponse,
    () => this.isAllowed,
    () => this.dropped++,
  )

  get writableLength(): number {
    return this.waiting
  }

  get names(): readonly string[] {
    return this.told.map(({ name }) => name)
  }

  write(bytes: Buffer): void {
    const text = bytes.toString()
    if (text.startsWith(':')) this.comments++
    const [, id, name, data] = /^(?:id: (.*)\n)?event: (.*)\ndata: (.*)\n\n$/.exec(text) ?? []
    if (data !== undefined) this.told.push({ name: name!, id: id ?? null, data: JSON.parse(data) })
  }

  end(): void {
    this.writableEnded = true
  }

  destroy(): void {
    this.destroyed = true
  }

  /** What was told since it was asked last. */
  take(): readonly Told[] {
    return this.told.splice(0)
  }
}

/** A feed over services that a test changes. */
class World {
  services = new Map<string, ServiceStatus>()
  log: Decision[] = []
  isDraining = false
  storeAway: string | null = null
  reload: ReloadStanding = { inForceSince: NOW, waiting: [], refused: null }
  presented = 0
  storeFails = false
  readonly listeners = new Set<(service: string) => void>()
  readonly feed: LiveFeed

  constructor(...names: string[]) {
    for (const name of names) this.set(name)
    const deps: LiveFeedDeps = {
      ...createFakeDeps(),
      serviceNames: () => [...this.services.keys()],
      service: (name) => {
        this.presented++
        return this.services.get(name) ?? null
      },
      decisions: async (service, { after, limit }) => {
        if (this.storeFails) throw new Error('the store is away')
        return this.log
          .filter((d) => d.service === service && d.id > after)
          .toReversed()
          .slice(0, limit)
      },
      followDecisions: (listener) => {
        this.listeners.add(listener)
        return () => void this.listeners.delete(listener)
      },
      isDraining: () => this.isDraining,
      lastReload: () => this.reload,
      ready: () => ({ ready: true, checks: { store: this.storeAway ?? 'up' } }),
    }
    this.feed = new LiveFeed(deps)
  }

  /** What a service looks like from now on. */
  set(name: string, state: Partial<RolloutState> = {}, more: Partial<ServiceStatus> = {}): void {
    const status = fakeStatus(fakeState(state), name)
    const lastDecision = this.log.findLast((d) => d.service === name) ?? null
    const rollout = { ...status.rollout!, lastDecision }
    this.services.set(name, { ...status, rollout, ...more })
  }

  decide(service: string, id: number, at = id * 1000): void {
    this.log.push(fakeDecision({ service, id, at }))
    this.set(service)
  }

  /** Says that this process has decided; resolves when that is told. */
  announce(...services: readonly string[]): Promise<void> {
    for (const service of services) for (const listener of this.listeners) listener(service)
    // Who asks for a look while something is told waits for that.
    return this.feed.look()
  }

  async join(service: string | null, since: number | null = null): Promise<Reader> {
    const reader = new Reader()
    await this.feed.join(reader.stream, service, since)
    return reader
  }
}

t.test('A reader is told how all services are, then what changes, and that alone.', async (t) => {
  const world = new World('a', 'b')
  t.teardown(() => world.feed.close())
  const reader = await world.join(null)
  const [snapshot, ...rest] = reader.take()
  t.match(snapshot, {
    name: 'snapshot',
    data: {
      at: '2027-05-01T12:00:00.000Z',
      services: [
        {
          name: 'a',
          phase: 'progressing',
          weights: { canary: 20 },
          verdicts: { rmse: 'inconclusive' },
        },
        { name: 'b', figures: { canary: { requests: 1204, errors: 3, healthy: 2 } } },
      ],
    },
  })
  t.same(
    rest.map(({ name }) => name),
    ['reload'],
  )
  await world.feed.look()
  t.same(reader.take(), [], 'nothing has changed')
  world.set('b', { weightBp: 5000, revision: 6 })
  await world.feed.look()
  t.strictSame(reader.take(), [
    {
      name: 'service',
      id: null,
      data: {
        at: '2027-05-01T12:00:00.000Z',
        name: 'b',
        changes: { revision: 6, weights: { baseline: 50, canary: 50 } },
      },
    },
  ])
})

t.test('Verdicts are told at once, counters that move every few looks.', async (t) => {
  const world = new World('a')
  t.teardown(() => world.feed.close())
  const reader = await world.join(null)
  reader.take()
  const status = world.services.get('a')!
  const metrics = [fakeMetric({ verdict: 'failed' })]
  const variants = { ...status.variants, canary: { ...status.variants['canary']!, requests: 9999 } }
  world.services.set('a', { ...status, variants, rollout: { ...status.rollout!, metrics } })
  await world.feed.look()
  t.match(reader.take(), [{ data: { changes: { verdicts: { rmse: 'beyond-limit' } } } }])
  for (let i = 0; i < 3; i++) await world.feed.look()
  t.same(reader.take(), [])
  await world.feed.look()
  t.match(reader.take(), [{ data: { changes: { figures: { canary: { requests: 9999 } } } } }])
})

t.test(
  'Those who read of all services are told of a refused reload, and of its mending.',
  async (t) => {
    const world = new World('a')
    t.teardown(() => world.feed.close())
    const one = await world.join('a')
    const first = await world.join(null)
    const taken = { inForceSince: '2027-05-01T12:00:00.000Z', waiting: [], refused: null }
    t.same(first.take()[1], { name: 'reload', id: null, data: taken })
    world.reload = {
      inForceSince: NOW,
      waiting: [],
      refused: { at: NOW + 1000, problems: ['one', 'two'] },
    }
    await world.feed.look()
    const refused = { at: '2027-05-01T12:00:01.000Z', problems: ['one', 'two'] }
    t.same(first.take(), [{ name: 'reload', id: null, data: { ...taken, refused } }])
    await world.feed.look()
    t.same(first.take(), [], 'once')
    const second = await world.join(null)
    t.match(second.take()[1], { name: 'reload', data: { refused } }, 'who comes later is told too')
    world.reload = { inForceSince: NOW + 2000, waiting: [], refused: null }
    await world.feed.look()
    const mended = { inForceSince: '2027-05-01T12:00:02.000Z', refused: null }
    for (const reader of [first, second]) t.match(reader.take(), [{ name: 'reload', data: mended }])
    t.notOk(one.names.includes('reload'))
  },
)

t.test('Everybody is told when the store goes and when it is back.', async (t) => {
  const world = new World('a')
  t.teardown(() => world.feed.close())
  const [all, one] = [await world.join(null), await world.join('a')]
  t.notOk([...all.take(), ...one.take()].some(({ name }) => name === 'store'))
  world.storeAway = 'away since noon'
  world.storeFails = true
  // Decided elsewhere, and more than one: the log would have to be read.
  world.decide('a', 1)
  world.decide('a', 2)
  await world.feed.look()
  const told = { name: 'store', id: null, data: { away: 'away since noon' } }
  for (const reader of [all, one]) t.same(reader.take()[0], told, 'before what needs the store')
  await world.feed.look()
  t.notOk(
    [...all.take(), ...one.take()].some(({ name }) => name === 'store'),
    'once',
  )
  const late = await world.join('a')
  t.same(late.take()[1], told, 'who comes later is told too')
  world.storeAway = null
  await world.feed.look()
  for (const reader of [all, one, late]) {
    t.same(reader.take()[0], { ...told, data: { away: null } })
  }
  for (const reader of [all, one, late]) world.feed.leave(reader.stream)
})

t.test('Of one service everything is told, as `GET …/services/{service}` has it.', async (t) => {
  const world = new World('a', 'b')
  t.teardown(() => world.feed.close())
  const reader = await world.join('a')
  t.match(reader.take(), [
    {
      name: 'snapshot',
      data: { service: { name: 'a', metrics: [{ name: 'rmse' }], missing: [String] } },
    },
  ])
  world.set('b', { weightBp: 1 })
  await world.feed.look()
  t.same(reader.take(), [], 'others are others')
  world.set('a', { weightBp: 0 })
  await world.feed.look()
  t.match(reader.take(), [
    { name: 'service', data: { name: 'a', changes: { weights: { canary: 0 } } } },
  ])
})

t.test(
  'However many read, each service is presented once a look; without a reader never.',
  async (t) => {
    const world = new World('a', 'b', 'c')
    t.teardown(() => world.feed.close())
    const readers = [
      await world.join(null),
      await world.join(null),
      await world.join('a'),
      await world.join('a'),
    ]
    const afterJoins = world.presented
    await world.feed.look()
    const perLook = world.presented - afterJoins
    const more = await Promise.all(Array.from({ length: 20 }, () => world.join(null)))
    const before = world.presented
    await world.feed.look()
    t.equal(world.presented - before, perLook, 'twenty more readers cost nothing more')
    t.equal(world.feed.readers, 24)
    for (const reader of [...readers, ...more]) world.feed.leave(reader.stream)
    t.equal(world.feed.readers, 0)
  },
)

t.test('Decisions are told once, in order, whoever made them.', async (t) => {
  const world = new World('a', 'b')
  t.teardown(() => world.feed.close())
  world.decide('a', 1)
  const all = await world.join(null)
  const one = await world.join('a')
  all.take()
  one.take()
  world.decide('a', 2)
  world.decide('b', 1)
  await world.feed.look()
  const decisionsOf = (reader: Reader) =>
    reader
      .take()
      .filter(({ name }) => name === 'decision')
      .map(({ id, data }) => [id, data['service'], data['id']].join(' '))
  t.same(decisionsOf(all), ['2000 a 2', '1000 b 1'])
  t.same(decisionsOf(one), ['2000 a 2'])
  for (const id of [3, 4, 5]) world.decide('a', id)
  await world.feed.look()
  t.same(decisionsOf(one), ['3000 a 3', '4000 a 4', '5000 a 5'], 'several between two looks')
  await world.feed.look()
  t.same(decisionsOf(one), [])
})

t.test('What this process decides is told at once, and nothing else with it.', async (t) => {
  const world = new World('a', 'b', 'c')
  t.teardown(() => world.feed.close())
  const [all, one] = [await world.join(null), await world.join('b')]
  all.take()
  one.take()
  world.decide('a', 1)
  world.decide('b', 1)
  world.set('a', { weightBp: 5000, revision: 6 })
  world.set('c', { weightBp: 5000, revision: 6 })
  const before = world.presented
  await world.announce('a', 'b', 'gone')
  t.equal(world.presented - before, 3, 'the others are not looked at')
  t.match(all.take(), [
    { name: 'service', data: { name: 'a', changes: { weights: { canary: 50 } } } },
    { name: 'decision', data: { service: 'a', id: 1 } },
    { name: 'service', data: { name: 'b' } },
    { name: 'decision', data: { service: 'b', id: 1 } },
  ])
  t.same(
    one.take().map(({ name }) => name),
    ['service', 'decision'],
  )
  await world.feed.look()
  t.same(
    all.take().map(({ data }) => data['name']),
    ['c'],
    'a look tells the rest, and no decision twice',
  )
  t.same(one.take(), [])
})

t.test(
  'What is decided during a look is told once; without a reader nobody listens.',
  async (t) => {
    const world = new World('a', 'b')
    const reader = await world.join('a')
    reader.take()
    const looked = world.feed.look()
    world.decide('a', 1)
    await world.announce('a', 'b')
    await looked
    await world.feed.look()
    t.equal(reader.names.filter((name) => name === 'decision').length, 1)
    world.feed.leave(reader.stream)
    t.equal(world.listeners.size, 0)
  },
)

t.test('What the store does not give this time is told the next.', async (t) => {
  const world = new World('a')
  t.teardown(() => world.feed.close())
  const reader = await world.join('a')
  world.decide('a', 1)
  world.decide('a', 2)
  world.storeFails = true
  await world.feed.look()
  t.notOk(reader.names.includes('decision'))
  world.storeFails = false
  await world.feed.look()
  t.equal(reader.names.filter((name) => name === 'decision').length, 2)
})

t.test('A decision is told without its evidence.', async (t) => {
  const world = new World('a')
  t.teardown(() => world.feed.close())
  const reader = await world.join('a')
  world.decide('a', 1)
  await world.feed.look()
  const { data } = reader.told.find(({ name }) => name === 'decision')!
  t.match(data, { id: 1, action: 'advance', summary: String, actor: 'evaluator' })
  t.notOk('metrics' in data)
})

t.test(
  'Whoever comes back is told the decisions in between, of all services or of one.',
  async (t) => {
    const world = new World('a', 'b')
    t.teardown(() => world.feed.close())
    world.decide('a', 1, 1000)
    world.decide('b', 1, 2000)
    world.decide('a', 2, 3000)
    const told = async (service: string | null, since: number) =>
      (await world.join(service, since)).told
        .filter(({ name }) => name === 'decision')
        .map(({ data }) => [data['service'], data['id']].join(' '))
    t.same(await told(null, 2000), ['b 1', 'a 2'], 'what came at that moment is told again')
    t.same(await told('a', 0), ['a 1', 'a 2'])
    t.same(await told(null, 3001), [])
  },
)

t.test(
  'A service that a reload takes away is said to be gone, and one that it brings is told.',
  async (t) => {
    const world = new World('a', 'b')
    t.teardown(() => world.feed.close())
    const all = await world.join(null)
    const one = await world.join('b')
    all.take()
    one.take()
    world.services.delete('b')
    world.set('c')
    await world.feed.look()
    t.match(all.take(), [
      { name: 'service', data: { name: 'c', changes: { name: 'c', figures: {} } } },
      { name: 'removed', data: { name: 'b' } },
    ])
    t.match(one.take(), [{ name: 'removed', data: { name: 'b' } }])
    t.ok(one.writableEnded)
    await world.feed.look()
    t.same(all.take(), [])
    const late = await world.join('b')
    t.ok(late.writableEnded, 'of what is gone nothing can be told')
  },
)

t.test('A reader that does not read is let go, and counted; others read on.', async (t) => {
  const world = new World('a')
  t.teardown(() => world.feed.close())
  const [slow, good] = [await world.join(null), await world.join(null)]
  slow.waiting = 5 * 1024 * 1024
  const before = [slow.told.length, good.told.length]
  world.set('a', { weightBp: 1 })
  await world.feed.look()
  t.same([slow.told.length, good.told.length], [before[0], before[1]! + 1])
  t.ok(slow.destroyed)
  t.equal(slow.dropped, 1)
  world.set('a', { weightBp: 2 })
  await world.feed.look()
  t.equal(slow.dropped, 1, 'once')
})

t.test('Now and then a comment is sent, and readers whose token is over are let go.', async (t) => {
  const world = new World('a')
  t.teardown(() => world.feed.close())
  const [good, expired] = [await world.join(null), await world.join('a')]
  expired.isAllowed = false
  for (let i = 0; i < 15; i++) await world.feed.look()
  t.equal(good.comments, 1)
  t.ok(expired.writableEnded)
  t.notOk(good.writableEnded)
})

t.test('When the gateway drains all streams end.', async (t) => {
  const world = new World('a')
  const readers = [await world.join(null), await world.join('a')]
  world.isDraining = true
  await world.feed.look()
  t.ok(readers.every((reader) => reader.writableEnded))
  t.equal(world.feed.readers, 0)
})

t.test('A reader that is gone before it was told anything is not kept.', async (t) => {
  const world = new World('a')
  const reader = new Reader()
  reader.destroyed = true
  await world.feed.join(reader.stream, null, null)
  await world.feed.join(reader.stream, 'a', null)
  t.equal(world.feed.readers, 0)
  t.same(reader.told, [])
})
