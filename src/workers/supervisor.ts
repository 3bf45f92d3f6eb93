import type { Logger } from 'pino'
import type { ReloadResult } from '../admin/admin-deps.ts'
import type { Config } from '../config/config.ts'
import type { ConfigResult } from '../config/load.ts'
import type { Clock } from '../domain/clock.ts'
import { OneByOne } from '../evaluator/one-by-one.ts'
import { reloadOnChange } from '../reload-on-change.ts'
import type { RunningGateway } from '../running-gateway.ts'
import { createDoor, type TakeConnection } from '../door.ts'
import { endWorkers } from './end-workers.ts'
import type { WorkerEnd, WorkerProcess } from './fork-worker.ts'
import { inTime } from './in-time.ts'
import { MetricsMemory } from './metrics-memory.ts'
import type { OwnCounts } from './own-counts.ts'
import { refuseAdmin } from './refuse-admin.ts'
import { reloadWorkers } from './reload-workers.ts'
import { restartDelayMs, STEADY_MS } from './restart-delay.ts'
import type { SupervisorApi } from './worker-api.ts'
import { WorkerPlace } from './worker-place.ts'

/** What the supervisor needs of its process. */
export type SupervisorDeps = {
  readonly log: Logger
  readonly own: OwnCounts
  readonly clock: Clock
  readonly version: string
  /** How many workers there are. */
  readonly workers: number
  readonly fork: () => WorkerProcess
  /** Resolves after `ms`, or at once when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Runs it each `ms` until the signal aborts. */
  readonly every: (ms: number, run: () => void, signal: AbortSignal) => void
  /** Reads the configuration file anew. */
  readonly readConfig: () => Promise<ConfigResult>
}

/** How long connections wait for a worker, at the admin port for one that decides, after the last one has gone. */
const LEADERLESS_MS = 2_000
/** How often it is looked for one. */
const LOOK_MS = 20
/** How long a worker has for an answer that is shown to people. */
const ANSWER_MS = 3_000
/** How long a worker has after the drain's own limits. */
const CLOSING_MS = 20_000
/** How often workers are asked whether they are there. */
const BEAT_MS = 1_000
/** A worker that leaves so many unanswered hangs. Beats are counted, not time: all may have been asleep. */
const MOST_BEATS = 10
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
  readonly #metrics: MetricsMemory
  readonly #data = createDoor(
    () => this.#pickNext(),
    (socket) => socket.destroy(),
  )
  readonly #admin = createDoor(() => this.#pickLeading(), refuseAdmin)
  readonly #files: ReturnType<typeof reloadOnChange>
  /** Starts and reloads: a worker is started with the configuration that the others have. */
  readonly #turns = new OneByOne()
  readonly #ending = new AbortController()
  #config: Config
  /** Number of the worker that got the last connection. */
  #lastPicked = 0
  #leaderlessSince: number
  #giveUp!: (error: Error) => void

  constructor(config: Config, deps: SupervisorDeps) {
    this.#config = config
    this.#deps = deps
    this.#metrics = new MetricsMemory(deps.own.take)
    this.#places = Array.from({ length: deps.workers }, (_, i) => new WorkerPlace(i + 1))
    this.#leaderlessSince = deps.clock.monotonic()
    this.#files = reloadOnChange(this.reload, deps.log)
    this.failed = new Promise((_, reject) => (this.#giveUp = reject))
    // It may come when nobody waits for it any more.
    this.failed.catch(() => {})
  }

  readonly listen: RunningGateway['listen'] = async () => {
    const [first, ...others] = this.#places
    await this.#turns.run(async () => {
      // Alone: what keeps it from starting would keep all of them, and is told once.
      await this.#start(first!)
      await Promise.all(
        others.map((place) => this.#start(place).catch((error) => this.#notStarted(place, error))),
      )
    })
    const { gateway, admin } = this.#config
    const { boundAdmin, boundData } = this.#deps.own
    const scheme = gateway.tls === null ? 'http' : 'https'
    const addresses = {
      data: `${scheme}://${await this.#data.listen(gateway.listen, boundData)}`,
      admin: `http://${await this.#admin.listen(admin.listen, boundAdmin)}`,
    }
    this.#files.follow(this.#config)
    this.#deps.every(BEAT_MS, this.#beat, this.#ending.signal)
    return addresses
  }

  // Connections that a process has, and does not answer, tell nobody.
  readonly #beat = (): void => {
    for (const place of this.#serving) {
      if (place.beat() <= MOST_BEATS) continue
      const seconds = (MOST_BEATS * BEAT_MS) / 1000
      const text = `worker ${place.number} has not answered for ${seconds} s: it is killed`
      this.#deps.log.error({ worker: place.number, workerPid: place.pid }, text)
      void place.kill()
    }
  }

  readonly reload = (): Promise<ReloadResult> =>
    this.#turns.run(async () => {
      const loaded = await this.#deps.readConfig()
      return reloadWorkers(loaded, this.#leadingFirst(), {
        log: this.#deps.log,
        onTaken: (config) => {
          this.#config = config
          this.#files.follow(config)
          this.#metrics.reloading()
        },
      }).finally(() => this.#metrics.reloading())
    })

  readonly drain = async (): Promise<void> => {
    this.#ending.abort()
    const { waitMs, deadlineMs, streamsMs } = this.#config.gateway.drain
    const { sleep } = this.#deps
    const ended = new AbortController()
    // New connections are taken as long as the workers say nothing but that they are not ready.
    void sleep(waitMs, ended.signal).then(this.#data.close)
    const limitMs = waitMs + Math.max(deadlineMs, streamsMs) + CLOSING_MS
    const lost = await endWorkers(this.#places, limitMs, sleep, async (place) => {
      await place.ask('drain')
      await place.ask('close')
    })
    ended.abort()
    this.#data.close()
    if (lost.length > 0) throw new Error(`not drained: ${lost.join(', ')}`)
  }

  readonly close = async (): Promise<void> => {
    this.#ending.abort()
    this.#files.close()
    await endWorkers(this.#places, CLOSING_MS, this.#deps.sleep, (place) => place.ask('close'))
    this.#data.close()
    this.#admin.close()
  }

  async #start(place: WorkerPlace): Promise<void> {
    const { clock, fork, version } = this.#deps
    const given = { config: this.#config, version }
    const answers = this.#answersTo(place)
    try {
      const started = await place.start(fork(), given, answers, (end) => this.#ended(place, end))
      if (!this.#isEnding) place.state = 'serving'
      place.holder = started.holder
      place.servesSince = clock.monotonic()
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
    this.#metrics.bury(place.number)
    if (this.#isEnding) return
    const { clock, log, own } = this.#deps
    if (this.#serving.length === 0) this.#leaderlessSince = clock.monotonic()
    own.tellOfEnd(place.number, end)
    // Else nobody would decide until its lease has run out.
    const heir = this.#serving[0]
    heir
      ?.ask('succeed', holder)
      .catch((error: unknown) => log.warn({ err: error }, 'no worker could take the lead at once'))
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
        this.#deps.log.info({ worker: place.number, workerPid: place.pid }, 'a worker was replaced')
      } catch (error) {
        this.#notStarted(place, error)
      }
    })
  }

  #answersTo(asker: WorkerPlace): SupervisorApi {
    return {
      reload: this.reload,
      metrics: async () => {
        await this.#metrics.gather(this.#serving, (place, scrape) =>
          inTime(ANSWER_MS, place.ask('snapshot', scrape)),
        )
        return this.#metrics.render(asker.number)
      },
      figures: (service) => this.#askOthers(asker, (place) => place.ask('figures', service)),
      abort: async (service, order) => {
        await this.#askOthers(asker, (place) => place.ask('abort', service, order))
      },
      workers: async () =>
        Object.fromEntries(
          this.#places.map((place) => [`worker ${place.number}`, this.#describe(place)]),
        ),
      leads: async (leads) => this.#noteLead(asker, leads),
    }
  }

  /** The answers of all but one; without those that do not come in time. */
  async #askOthers<T>(
    asker: WorkerPlace,
    ask: (place: WorkerPlace) => Promise<T>,
  ): Promise<readonly T[]> {
    const others = this.#serving.filter((place) => place !== asker)
    const answers = await Promise.allSettled(others.map((place) => inTime(ANSWER_MS, ask(place))))
    return answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  }

  #describe({ state, leads }: WorkerPlace): string {
    if (state === 'empty') return this.#isEnding ? 'has ended' : 'ended, is being replaced'
    return leads ? `${state}, decides` : state
  }

  #noteLead(place: WorkerPlace, leads: boolean): void {
    // Each says so at its first look, too: that one does not decide is no news then.
    if (place.leads === leads) return
    place.leads = leads
    this.#leaderlessSince = this.#deps.clock.monotonic()
  }

  /** Who takes the next connection to the data port: each in turn, so that all have the same number. */
  async #pickNext(): Promise<TakeConnection | null> {
    await this.#untilSomebody(() => this.#serving.length > 0)
    const place = this.#serving.find(({ number }) => number > this.#lastPicked) ?? this.#serving[0]
    if (place === undefined) return null
    this.#lastPicked = place.number
    return (socket) => place.handOver('data', socket)
  }

  /** Who answers at the admin port: the one that decides, or after a moment without any of them. */
  async #pickLeading(): Promise<TakeConnection | null> {
    await this.#untilSomebody(() => this.#leadingFirst()[0]?.leads === true)
    const [place] = this.#leadingFirst()
    return place === undefined ? null : (socket) => place.handOver('admin', socket)
  }

  /** Waits while there may soon be one. */
  async #untilSomebody(isThere: () => boolean): Promise<void> {
    const { clock, sleep } = this.#deps
    while (!isThere() && !this.#isEnding) {
      if (clock.monotonic() - this.#leaderlessSince >= LEADERLESS_MS) return
      await sleep(LOOK_MS, this.#ending.signal)
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
