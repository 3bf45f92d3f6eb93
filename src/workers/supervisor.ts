import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ReloadResult } from '../admin/admin-deps.ts'
import type { Config } from '../config/config.ts'
import type { ConfigResult } from '../config/load.ts'
import type { Clock } from '../domain/clock.ts'
import { OneByOne } from '../evaluator/one-by-one.ts'
import { reloadOnChange } from '../reload-on-change.ts'
import type { RunningGateway } from '../running-gateway.ts'
import { createAdminDoor, type Answerer } from './admin-door.ts'
import type { WorkerEnd, WorkerProcess } from './fork-worker.ts'
import { MetricsMemory } from './metrics-memory.ts'
import { reloadWorkers } from './reload-workers.ts'
import { restartDelayMs, STEADY_MS } from './restart-delay.ts'
import type { SupervisorApi, WorkerStarted } from './worker-api.ts'
import { describeEnd, WorkerPlace } from './worker-place.ts'

/** What the supervisor needs of its process. */
export type SupervisorDeps = {
  readonly log: Logger
  readonly clock: Clock
  readonly version: string
  /** How many workers there are. */
  readonly workers: number
  readonly fork: () => WorkerProcess
  /** Resolves after `ms`, or at once when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Reads the configuration file anew. */
  readonly readConfig: () => Promise<ConfigResult>
}

/** How long connections to the admin port wait for a worker that decides, after the last one ceased to. */
const LEADERLESS_MS = 2_000
/** How often it is looked for one. */
const LOOK_MS = 20
/** How long a worker has for an answer that is shown to people. */
const ANSWER_MS = 3_000
/** How long a worker has after the drain's own limits. */
const CLOSING_MS = 20_000
/** Starts in a row that fail in every place before the supervisor gives up. */
const MOST_FAILURES = 5

/**
 * A gateway of several processes, which share the data port and the store. Connections to the admin port go to
 * the one that decides; a worker that ends is replaced.
 */
export class Supervisor implements RunningGateway {
  /** Rejects when no worker runs any more, and none can be started; never resolves. */
  readonly failed: Promise<never>
  readonly #deps: SupervisorDeps
  readonly #places: readonly WorkerPlace[]
  readonly #metrics = new MetricsMemory()
  readonly #door = createAdminDoor(() => this.#pick())
  readonly #files: ReturnType<typeof reloadOnChange>
  /** Starts and reloads: a worker is started with the configuration that the others have. */
  readonly #turns = new OneByOne()
  readonly #ending = new AbortController()
  #config: Config
  #leaderlessSince: number
  #giveUp!: (error: Error) => void

  constructor(config: Config, deps: SupervisorDeps) {
    this.#config = config
    this.#deps = deps
    this.#places = Array.from({ length: deps.workers }, (_, i) => new WorkerPlace(i + 1))
    this.#leaderlessSince = deps.clock.monotonic()
    this.#files = reloadOnChange(this.reload, deps.log)
    this.failed = new Promise((_, reject) => (this.#giveUp = reject))
    // It may come when nobody waits for it any more.
    this.failed.catch(() => {})
  }

  readonly listen: RunningGateway['listen'] = async () => {
    const [first, ...others] = this.#places
    const data = await this.#turns.run(async () => {
      // Alone: what keeps it from starting would keep all of them, and is told once.
      const started = await this.#start(first!)
      await Promise.all(
        others.map((place) => this.#start(place).catch((error) => this.#notStarted(place, error))),
      )
      return started.data
    })
    const admin = await this.#door.listen(this.#config.admin.listen)
    this.#files.follow(this.#config)
    return { data, admin }
  }

  readonly reload = (): Promise<ReloadResult> =>
    this.#turns.run(async () => {
      const loaded = await this.#deps.readConfig()
      return reloadWorkers(loaded, this.#leadingFirst(), {
        log: this.#deps.log,
        onTaken: (config) => {
          this.#config = config
          this.#files.follow(config)
        },
      })
    })

  readonly drain = async (): Promise<void> => {
    this.#ending.abort()
    const { waitMs, deadlineMs, streamsMs } = this.#config.gateway.drain
    const limitMs = waitMs + Math.max(deadlineMs, streamsMs) + CLOSING_MS
    const lost = await this.#endAll(limitMs, async (place) => {
      await place.ask('drain')
      await place.ask('close')
    })
    if (lost.length > 0) throw new Error(`not drained: ${lost.join(', ')}`)
  }

  readonly close = async (): Promise<void> => {
    this.#ending.abort()
    this.#files.close()
    await this.#endAll(CLOSING_MS, (place) => place.ask('close'))
    await this.#door.close()
  }

  async #start(place: WorkerPlace): Promise<WorkerStarted> {
    const { clock, fork, version } = this.#deps
    const given = { config: this.#config, version }
    const answers = this.#answersTo(place)
    try {
      const started = await place.start(fork(), given, answers, (end) => this.#ended(place, end))
      if (!this.#isEnding) place.state = 'serving'
      place.holder = started.holder
      place.servesSince = clock.monotonic()
      return started
    } catch (error) {
      await place.kill()
      throw error
    }
  }

  /** A process is gone: expected, or one that served. One that never listened is told of by its start. */
  #ended(place: WorkerPlace, end: WorkerEnd): void {
    const { holder } = place
    if (place.leads) this.#noteLead(place, false)
    if (holder === null) return
    place.holder = null
    void this.#metrics.bury(place.number)
    if (this.#isEnding) return
    const { clock, log } = this.#deps
    log.error(
      { worker: place.number, ...end },
      `worker ${place.number} ${describeEnd(end)}: another one takes its place`,
    )
    // Else nobody would decide until its lease has run out.
    const heir = this.#serving[0]
    heir?.ask('succeed', holder).catch((error: unknown) => log.warn({ err: error }, 'no successor'))
    if (clock.monotonic() - place.servesSince >= STEADY_MS) place.failures = 0
    void this.#replace(place)
  }

  #notStarted(place: WorkerPlace, error: unknown): void {
    if (this.#isEnding) return
    const { log } = this.#deps
    log.error({ worker: place.number, err: error }, `worker ${place.number} did not start`)
    const isHopeless = this.#places.every((p) => p.state === 'empty' && p.failures > MOST_FAILURES)
    if (isHopeless) this.#giveUp(error as Error)
    else void this.#replace(place)
  }

  async #replace(place: WorkerPlace): Promise<void> {
    const ms = restartDelayMs(place.failures++)
    if (ms > 0) await this.#deps.sleep(ms, this.#ending.signal)
    await this.#turns.run(async () => {
      if (this.#isEnding) return
      try {
        await this.#start(place)
        this.#deps.log.info({ worker: place.number, pid: place.pid }, 'a worker was replaced')
      } catch (error) {
        this.#notStarted(place, error)
      }
    })
  }

  #answersTo(asker: WorkerPlace): SupervisorApi {
    return {
      reload: this.reload,
      metrics: async () => {
        const noted = this.#serving.map(async (place) =>
          this.#metrics.note(place.number, await inTime(place.ask('snapshot'))),
        )
        await Promise.allSettled(noted)
        return this.#metrics.render(asker.number)
      },
      figures: async (service) => {
        const others = this.#serving.filter((place) => place !== asker)
        const asked = others.map((place) => inTime(place.ask('figures', service)))
        const answers = await Promise.allSettled(asked)
        return answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      },
      workers: async () =>
        Object.fromEntries(
          this.#places.map((place) => [`worker ${place.number}`, describePlace(place)]),
        ),
      leads: async (leads) => this.#noteLead(asker, leads),
    }
  }

  /** Ends all workers; resolves with what kept those from ending that had to be killed, in words. */
  async #endAll(
    limitMs: number,
    end: (place: WorkerPlace) => Promise<void>,
  ): Promise<readonly string[]> {
    const lost: string[] = []
    const inTime = new AbortController()
    const ended = this.#places.map(async (place) => {
      if (place.pid === null) return
      if (place.state === 'serving') place.state = 'draining'
      try {
        await end(place)
        await place.release()
      } catch (error) {
        lost.push((error as Error).message)
        await place.kill()
      }
    })
    const late = this.#deps.sleep(limitMs, inTime.signal).then(() => {
      // Whoever waits for their answers hears of it.
      if (!inTime.signal.aborted) return Promise.all(this.#places.map((place) => place.kill()))
      return null
    })
    await Promise.all(ended)
    inTime.abort()
    await late
    return lost
  }

  #noteLead(place: WorkerPlace, leads: boolean): void {
    place.leads = leads
    this.#leaderlessSince = this.#deps.clock.monotonic()
  }

  /** Who answers at the admin port: the one that decides, or after a moment without any of them. */
  async #pick(): Promise<Answerer | null> {
    for (;;) {
      const [best] = this.#leadingFirst()
      if (best?.leads === true || this.#isEnding) return best ?? null
      const leaderlessMs = this.#deps.clock.monotonic() - this.#leaderlessSince
      if (leaderlessMs >= LEADERLESS_MS) return best ?? null
      await this.#deps.sleep(LOOK_MS, this.#ending.signal)
    }
  }

  #leadingFirst(): readonly WorkerPlace[] {
    return this.#serving.toSorted((a, b) => Number(b.leads) - Number(a.leads))
  }

  get #serving(): readonly WorkerPlace[] {
    return this.#places.filter(({ state }) => state === 'serving' || state === 'draining')
  }

  get #isEnding(): boolean {
    return this.#ending.signal.aborted
  }
}

function describePlace({ state, leads }: WorkerPlace): string {
  if (state === 'empty') return 'not running: it will be replaced'
  return leads ? `${state}, decides` : state
}

/** Rejects when an answer takes too long; what it would have been is nobody's then. */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = delay(ANSWER_MS, null, { signal: over.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${ANSWER_MS} ms`)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    over.abort()
    late.catch(() => {})
  }
}
