import { fc } from '../../support/fast-check.ts'
import type { Store } from '../../../src/store/store.ts'
import type { Configuration } from './configurations.ts'
import { baselineOf } from './log-book.ts'
import { World } from './world.ts'

type Event = (world: World) => Promise<void>

const PROMOTE_FULL = { full: true }
const FORCE = { force: true }

/** What may happen, by a sentence each: a counter-example is read aloud. The plainest first. */
const EVENTS: Readonly<Record<string, Event>> = {
  'good traffic for 3 s': (w) => w.run(3000, 'good'),
  'good traffic for 1 s': (w) => w.run(1000, 'good'),
  'good traffic for 10 s': (w) => w.run(10_000, 'good'),
  'no traffic for 2 s': (w) => w.run(2000, 'none'),
  'the canary fails for 3 s': (w) => w.run(3000, 'failing'),
  'the canary is wrong for 4 s': (w) => w.run(4000, 'wrong'),
  'both fail for 3 s': (w) => w.run(3000, 'both failing'),
  'the process is held up for 6 s': (w) => w.wait(6000),
  'a minute passes': (w) => w.wait(60_000),
  'two minutes pass': (w) => w.wait(120_000),
  'the canary goes away for 12 s': async (w) => {
    w.canaryIsUp = false
    await w.run(12_000, 'none')
    w.canaryIsUp = true
  },
  'the canary goes away': async (w) => void (w.canaryIsUp = false),
  'the canary comes back': async (w) => void (w.canaryIsUp = true),
  promote: (w) => w.order(['promote']),
  'promote --full': (w) => w.order(['promote', PROMOTE_FULL]),
  abort: (w) => w.order(['abort']),
  pause: (w) => w.order(['pause']),
  resume: (w) => w.order(['resume']),
  retry: (w) => w.order(['retry']),
  'retry --force': (w) => w.order(['retry', FORCE]),
  undo: (w) => w.order(['undo']),
  'weights canary=35': (w) => w.order(['weights', { canaryBp: 3500 }]),
  'weights canary=100': (w) => w.order(['weights', { canaryBp: 10_000 }]),
  'two operators: promote --full, abort': (w) => w.order(['promote', PROMOTE_FULL], ['abort']),
  'two operators: abort, abort': (w) => w.order(['abort'], ['abort']),
  'two operators: resume, pause': (w) => w.order(['resume'], ['pause']),
  'reload: the same': (w) => w.reload({}),
  'reload: canary 2.1': (w) => w.reload({ canary: '2.1' }),
  'reload: canary 2.0': (w) => w.reload({ canary: '2.0' }),
  'reload: baseline 1.5': (w) => w.reload({ baseline: '1.5' }),
  'reload: baseline 1.4': (w) => w.reload({ baseline: '1.4' }),
  'reload: baseline 2.0, canary 2.1': (w) => w.reload({ baseline: '2.0', canary: '2.1' }),
  'reload: baseline 1.4, canary 2.0': (w) => w.reload({ baseline: '1.4', canary: '2.0' }),
  'reload: plain steps': (w) => w.reload({ steps: 'plain' }),
  'reload: fewer steps': (w) => w.reload({ steps: 'fewer' }),
  'reload: steps with an approval': (w) => w.reload({ steps: 'approval' }),
  'reload: steps with timed pauses': (w) => w.reload({ steps: 'timed' }),
  'reload: blue-green': (w) => w.reload({ steps: 'blue-green' }),
  'reload: errors alone': (w) => w.reload({ metrics: 'errors' }),
  'reload: rmse as well': (w) => w.reload({ metrics: 'errors and rmse' }),
  'reload: rmse that pauses': (w) => w.reload({ metrics: 'errors, rmse that pauses' }),
  'reload: 10 % held back': (w) => w.reload({ holdbackBp: 1000 }),
  'reload: nothing held back': (w) => w.reload({ holdbackBp: 0 }),
  'reload: started by hand': (w) => w.reload({ start: 'manual' }),
  'reload: the service is gone': (w) => w.reload({ kind: 'absent' }),
  'reload: a fixed split of renamed variants': (w) => w.reload({ kind: 'fixed split' }),
  'reload: the rollout is there again': (w) => w.reload({ kind: 'rollout' }),
  'stopped and started': (w) => w.restart('stopped'),
  'killed and started': (w) => w.restart('killed'),
  'the process dies before its next decision is stored': async (w) =>
    void (w.store.nextDecision = 'dies before'),
  'the process dies when its next decision is stored, before it acts on it': async (w) =>
    void (w.store.nextDecision = 'dies after'),
  'the store refuses the next decision': async (w) => void (w.store.nextDecision = 'fails'),
  'the store takes the next decision and does not answer': async (w) =>
    void (w.store.nextDecision = 'answer lost'),
  'the store is away': async (w) => void (w.store.away = true),
  'the store is back': async (w) => void (w.store.away = false),
}

const configuration: fc.Arbitrary<Configuration> = fc.record({
  baseline: fc.constant('1.4'),
  canary: fc.constant('2.0'),
  steps: fc.constantFrom('plain', 'fewer', 'approval', 'timed', 'blue-green'),
  metrics: fc.constantFrom('errors', 'errors and rmse', 'errors, rmse that pauses'),
  holdbackBp: fc.constantFrom(0, 1000),
  start: fc.constantFrom('auto', 'auto', 'auto', 'manual'),
  onInconclusive: fc.constantFrom('hold', 'rollback', 'promote'),
  kind: fc.constant('rollout'),
})

// Lives in which nothing goes well end early.
const event = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('good traffic for 3 s', 'good traffic for 10 s') },
  { weight: 4, arbitrary: fc.constantFrom(...Object.keys(EVENTS)) },
)

/** What a number of lives had in them: a property that never promotes says little. */
export type Seen = { decisions: number; promoted: number; rolledBack: number; retried: number }

/**
 * Lives through `numRuns` random sequences of events. After each event, and at each change of weights,
 * what is served is what the log says or nothing, the log is a chain of ways that the table allows, and
 * no rolled-back version serves; at the end, once everything works again, it is exactly what the log
 * says. Rejects with the shortest sequence that breaks this.
 */
export async function checkLives(
  openStore: () => Promise<Store> | Store,
  options: { readonly numRuns: number; readonly events?: number; readonly seed?: number },
): Promise<Seen> {
  const seen: Seen = { decisions: 0, promoted: 0, rolledBack: 0, retried: 0 }
  const { numRuns, events = 40, seed } = options
  await fc.assert(
    fc.asyncProperty(
      configuration,
      fc.array(event, { maxLength: events, size: 'max' }),
      async (begun, names) => {
        const store = await openStore()
        try {
          const { book } = await live(await World.create(store, begun), names)
          seen.decisions += book.decisions.length
          for (const { action, to } of book.decisions) {
            if (to.phase === 'promoted') seen.promoted++
            if (to.phase === 'rolled-back') seen.rolledBack++
            if (action === 'retry') seen.retried++
          }
        } finally {
          await store.close()
        }
      },
    ),
    { numRuns, ...(seed === undefined ? {} : { seed }) },
  )
  return seen
}

/** One life. Rejects with what does not fit, after which event, and the log up to there. */
export async function live(world: World, names: readonly string[]): Promise<World> {
  for (const name of names) {
    await EVENTS[name]!(world)
    mustFit(world, name)
  }
  await world.heal()
  mustFit(world, 'everything works again')
  const { last } = world.book
  const { kind, canary } = world.configuration
  if (kind !== 'rollout') return world
  // A file that was taken while the store was away may name versions that cannot follow what is stored: one of them
  // alone is served then, whatever the log says of the others.
  const alone = last !== null && baselineOf(last.rollout) === canary ? 10_000 : 0
  const decided = (await world.isRefused()) ? alone : (last?.to.weights['canary'] ?? 0) * 100
  if (world.served.weightBp !== decided) {
    fail(world, `the canary serves ${world.served.weightBp} bp, decided is ${decided} bp`)
  }
  return world
}

function mustFit(world: World, after: string): void {
  const { violation } = world.book
  if (violation !== null) fail(world, `${after}: ${violation}`)
  const [error] = world.unexpected
  if (error !== undefined) fail(world, `${after}: ${String((error as Error).stack ?? error)}`)
}

function fail(world: World, what: string): never {
  const log = world.book.decisions.map(
    ({ id, rollout, action, reason, from, to, at }) =>
      `  ${id} ${at - world.begunAt} ms ${rollout} ${action} (${reason}): ` +
      `${from.phase} ${from.weights['canary']} % -> ${to.phase} ${to.weights['canary']} %`,
  )
  throw new Error(`${what}\n${log.join('\n')}`)
}
