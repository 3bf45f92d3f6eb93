import t from 'tap'
import type { Config } from '../src/config/config.ts'
import type { LiveServices } from '../src/live-services.ts'
import { createPrepareReload, reloadFrom } from '../src/reload.ts'
import { configOf, file } from './config/problems-of.ts'

/** A gateway that has nothing but its configuration. */
const liveOf = (config: Config) =>
  ({
    config,
    plans: new Map(),
    targets: { byService: new Map(), release: () => {} },
  }) as unknown as LiveServices

t.test('A reload that comes after that of the watcher tells what that one changed.', async (t) => {
  const [first, second] = ['1s', '2s'].map((wait) =>
    configOf(file({ gateway: `, drain: { wait: ${wait} }` })),
  )
  let live = liveOf(first!)
  let now = 1000
  const prepare = createPrepareReload({
    clock: { now: () => 0, monotonic: () => now },
    live: () => live,
    readCertificate: () => null,
    build: async (config) => liveOf(config),
    refusal: async () => null,
    replace: async (next) => {
      live = next
      return ['services.m: waits']
    },
    onResult: () => {},
  })
  const reload = async (config: Config) => {
    const result = await reloadFrom(async () => ({ ok: true, config, warnings: [] }), prepare)
    if (result.ok) t.same(result.waiting, ['services.m: waits'])
    return result.ok ? result.changes : result.problems
  }
  const unchanged = [/^nothing has changed since the file was last taken over \(it is watched/]
  t.match(await reload(first!), unchanged, 'nothing was taken over yet')
  const changes = await reload(second!)
  t.match(changes, ['gateway.drain.wait: "1s" → "2s"', /^configuration /])
  now += 800
  const again = ['nothing new: the file was taken over 1s ago, with these changes', ...changes]
  t.same(await reload(second!), again)
  now += 30_000
  t.match(await reload(second!), [/taken over 31s ago/, ...changes], 'once more')
  now += 60_000
  t.match(await reload(second!), unchanged, 'long ago')
})

t.test('A certificate that cannot be served leaves what is in force as it is.', async (t) => {
  const [first, second] = ['1s', '2s'].map((wait) =>
    configOf(file({ gateway: `, drain: { wait: ${wait} }` })),
  )
  const released: string[] = []
  const named = (config: Config, name: string) => {
    const targets = { byService: new Map(), release: () => released.push(name) }
    return { ...liveOf(config), targets } as unknown as LiveServices
  }
  const live = named(first!, 'old')
  const prepare = createPrepareReload({
    clock: { now: () => 0, monotonic: () => 0 },
    live: () => live,
    readCertificate: () => ({
      isNew: true,
      serve: () => {
        throw new Error('no such curve')
      },
    }),
    build: async (config) => named(config, 'new'),
    refusal: async () => null,
    replace: async () => {
      throw new Error('it is not taken')
    },
    onResult: () => {},
  })
  const loaded = { ok: true, config: second!, warnings: [] } as const
  await t.rejects(
    reloadFrom(async () => loaded, prepare),
    /no such curve/,
  )
  t.same(released, ['new'])
})
