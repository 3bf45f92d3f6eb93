import { hostname } from 'node:os'
import type { AdminDeps } from './admin/admin-deps.ts'
import { createAdminServer } from './admin/admin-plugin.ts'
import { createApplyWeights } from './apply-weights.ts'
import { closeOnFailure, type Opened } from './close-on-failure.ts'
import type { Config } from './config/config.ts'
import { redactConfig } from './config/redact.ts'
import { Evaluator } from './evaluator/evaluator.ts'
import { releaseLeaseOf } from './evaluator/lease-keeper.ts'
import { OneByOne } from './evaluator/one-by-one.ts'
import { createProviderFetcher } from './evaluator/provider-fetcher.ts'
import { createFeedbackJoin } from './feedback/join.ts'
import { readPost } from './feedback/read-post.ts'
import { createDataPort } from './data-port.ts'
import { serveHanded, standBy } from './handed-server.ts'
import { buildLiveServices, experimentsOf, rolloutsOf, statesOf } from './live-services.ts'
import { createLiveUpstreams } from './live-upstreams.ts'
import { PairedPredictions } from './metrics/paired-predictions.ts'
import { createMetricsRegistry, type MetricsRegistry } from './metrics/registry.ts'
import { createDataServer } from './proxy/data-server.ts'
import { createDelay } from './proxy/delay.ts'
import { drain } from './proxy/drain.ts'
import { LiveExchanges } from './proxy/live-exchanges.ts'
import { mostAdminConnections, readOpenFilesLimit } from './proxy/open-files.ts'
import { trackSockets } from './proxy/open-sockets.ts'
import { openCertificate } from './proxy/served-certificate.ts'
import { readinessOf } from './proxy/variant-target.ts'
import { createNotifications } from './notifications.ts'
import { createOperatorCommands, tellOfUnstored } from './operator-commands.ts'
import { createDecisionNews } from './decision-news.ts'
import { describeReadiness, type Stage } from './describe-stage.ts'
import { createPredictionExpiry } from './prediction-expiry.ts'
import { tellOfReplicas } from './describe-replicas.ts'
import { BACKGROUND_TIMERS } from './gateway-timers.ts'
import { LastReload } from './last-reload.ts'
import { createPrepareReload } from './reload.ts'
import { reloadOnChange, WATCHED_ELSEWHERE } from './reload-on-change.ts'
import type { GatewayDeps, WorkerGateway } from './running-gateway.ts'
import { createOwnTrouble } from './own-trouble.ts'
import { openStore } from './open-store.ts'
import { joinStore, type StoreJoin } from './join-store.ts'
import { keepLastWeights, serveLastWeights } from './serve-last-weights.ts'
import { createLabelBooking, createLabelShow } from './show-label.ts'
import { createServiceLook } from './service-look.ts'
import { createSteadyClock } from './steady-clock.ts'
import { takeUpStored } from './take-up-stored.ts'
import { createPredictionBuffer } from './store/prediction-buffer.ts'
import { nameProcess } from './domain/process-name.ts'
import { StoreHealth } from './store/store-health.ts'

/** When feedback that the store did not take is tried again. */
const STORE_AGAIN_MS = 1000

/**
 * The composition root: the one place that knows every part. Rejects when a certificate or the store cannot
 * be opened or what the store holds does not go with the configuration, and leaves nothing open then; the ports
 * open with `listen`.
 */
export function createGateway(config: Config, deps: GatewayDeps): Promise<WorkerGateway> {
  return closeOnFailure((opened) => wire(config, deps, opened))
}

async function wire(config: Config, deps: GatewayDeps, opened: Opened): Promise<WorkerGateway> {
  const { log, clock, siblings, timers = BACKGROUND_TIMERS } = deps
  const { setTimer, every } = timers
  const steady = createSteadyClock(clock)
  const id = deps.newRequestId().slice(0, 8)
  const holder = nameProcess({ host: hostname(), pid: process.pid, id, admin: config.admin.listen })
  const certificate = openCertificate(config.gateway.tls, { clock, log })
  const trouble = createOwnTrouble({ clock, steady, log, certificate })
  const onEvicted = (cohorts: number) => metrics.countEvicted(cohorts)
  const { store, absence } = await (deps.openStore ?? openStore)(config, { log, onEvicted })
  opened(store.close)
  const lastWeights = keepLastWeights(config, log)
  const setState: MetricsRegistry['setStoreState'] = (state) => metrics.setStoreState(state)
  const health = new StoreHealth({ log, now: clock.now, setState })
  const isStoreTold = () => health.isTold
  const watched = health.watched(store)
  const onUnstored = (error: unknown) => health.report('a write of predictions', error)
  const buffer = createPredictionBuffer({ store: watched, onError: onUnstored, setTimer })
  const predictions = new PairedPredictions(buffer)
  const upstreams = createLiveUpstreams(clock, log, config.passthrough)
  opened(upstreams.close)
  const exchanges = new LiveExchanges(clock)
  const stage: Stage = { listening: false, ready: false, draining: false }

  const upstreamsOf = (service: string, variant: string) =>
    live.snapshot.runtimes.get(service)?.targets.get(variant)?.upstreams ?? []
  const look = createServiceLook({
    live: () => live,
    evaluator: () => evaluator,
    ...{ clock: steady, trouble: trouble.describe },
    others: siblings,
  })

  const expiry = createPredictionExpiry({ store, clock, log, isStoreTold })
  const metrics = createMetricsRegistry({
    ...{ version: deps.version, linesLost: deps.linesLost },
    certificateNotAfter: () => certificate?.notAfter ?? null,
    ...{ leads: () => evaluator.leads, replicas: () => evaluator.replicas },
    ...{ services: look.readAll, withoutStore: () => join.withoutStore() },
    forgotten: () => ({ ...expiry.removed(), dropped: buffer.dropped() }),
  })

  const apply = createApplyWeights(() => live, lastWeights)
  const providers = createProviderFetcher()
  const notifications = createNotifications({
    ...{ store, clock, draw: deps.draw, log, metrics, isStoreTold },
    leads: () => evaluator.leads,
  })
  const news = createDecisionNews({ metrics, notifications, log })
  const evaluator = new Evaluator({
    ...{ store: watched, clock: steady, machineClock: clock, holder, every },
    reachability: (service, variant) =>
      readinessOf(upstreamsOf(service, variant), clock.monotonic()),
    fetchProvider: providers.fetch,
    confirm: notifications.confirm,
    ...apply,
    onDecision: news.tell,
    onTurn: look.note,
    ...tellOfReplicas(log, siblings?.onLead),
    onUnstored: (service, order) => tellOfUnstored({ siblings, log }, service, order),
    onError: health.report,
  })

  const parts = {
    ...{ clock: steady, remember: predictions.add, upstreams: upstreams.registry },
    states: statesOf(evaluator),
  }
  let live = await buildLiveServices(config, parts, null)

  const feedback = createFeedbackJoin({
    services: () => live.config.services.map((s) => s.name),
    buffer: { ...buffer, find: predictions.find },
    store: watched,
    eventFields: (service) => {
      const plan = live.plans.get(service) ?? live.experiments.get(service)?.comparisons[0]?.plan
      return plan?.eventFields ?? new Map()
    },
    bookLabel: createLabelBooking(evaluator, (service) => live.books.get(service)),
    showLabel: createLabelShow({ book: (service) => live.books.get(service), clock, log }),
    bookEvent: evaluator.event,
    ...{ clock: steady, hears: evaluator.hearsFeedback },
    later: (run) => void setTimer(run, STORE_AGAIN_MS),
    count: (service, result, lines) => metrics.countFeedback(service ?? '', result, lines),
    countRefused: metrics.countRefused,
  })

  const describeStore = () => join.describe() ?? health.describe()
  const asked = { hasJoined: () => join.hasJoined(), describe: describeStore }
  const command = createOperatorCommands({ evaluator, look, store: asked, siblings, log })

  const lastReload = new LastReload({ clock, metrics, untaken: () => evaluator.untaken })
  const prepareReload = createPrepareReload({
    clock,
    live: () => live,
    readCertificate: () => certificate?.read() ?? null,
    build: (next, previous) => buildLiveServices(next, parts, previous),
    refusal: (plan) => evaluator.refusal(plan),
    replace: async (next) => {
      next.catchUp()
      live = next
      next.targets.adopt()
      files.follow(next.config)
      await upstreams.checkNew()
      await notifications.follow(next.config.services)
      await evaluator.reconfigure(rolloutsOf(next), 'configuration')
      await evaluator.reconfigureExperiments(experimentsOf(next), 'configuration')
      return evaluator.untaken.map(({ sentence }) => sentence)
    },
    onResult: lastReload.note,
  })
  // A signal, a file's change and the API may ask at the same time: reloads never overlap.
  const reloads = new OneByOne()
  const reload = () => reloads.run(() => deps.reload(prepareReload))

  const files = siblings === null ? reloadOnChange(reload, log) : WATCHED_ELSEWHERE

  const adminDeps: AdminDeps = {
    ...{ version: deps.version, clock, log, isStoreTold },
    ...{ services: look.statuses, service: look.status },
    serviceNames: () => live.config.services.map((s) => s.name),
    command,
    forecast: (service, given, regression) => evaluator.forecast(service, given, regression),
    forecastExperiment: (...asked) => evaluator.forecastExperiment(...asked),
    ...{ decisions: store.decisions, decision: store.decision, attempts: store.attempts },
    ...{ history: look.history, gather: look.gather },
    countDroppedStream: metrics.countDroppedStream,
    countRefusedAccess: metrics.countRefusedAccess,
    ...{ isDraining: () => stage.draining, followDecisions: news.follow },
    ...{ archivedPlan: store.archivedPlan, archivedCohorts: store.archivedCohorts },
    feedback: async (...posted) => feedback.accept(readPost(...posted)),
    ...{ reload, lastReload: lastReload.read },
    runningConfig: () => redactConfig(live.config),
    metrics: siblings?.metrics ?? metrics.render,
    workers: async () => (await siblings?.workers()) ?? {},
    ready: () => describeReadiness(stage, evaluator, live.config.services, describeStore()),
  }

  const takeUp = () => takeUpStored(live, { expiry, notifications, evaluator, log })
  await upstreams.checkNew()
  if (absence === null) await takeUp()
  const join: StoreJoin = joinStore(absence, {
    serveLast: () =>
      serveLastWeights(rolloutsOf(live), experimentsOf(live), {
        ...{ lastWeights, evaluator, apply, log },
      }),
    takeUp,
    onJoined: () => beReady(),
    ...{ log, setTimer },
  })
  const beReady = () => {
    if (!stage.listening || stage.draining || !join.hasJoined()) return
    notifications.start()
    closers.push(expiry.start())
    stage.ready = true
  }

  const data = createDataServer(
    {
      snapshot: () => live.snapshot,
      config: () => live.config.gateway,
      draw: deps.draw,
      newRequestId: deps.newRequestId,
      clock,
      log,
      isDraining: () => stage.draining,
      isReady: () => stage.ready,
      // Of its own, so that one gateway behind another is no loop.
      name: `serin-${deps.newRequestId().slice(0, 6)}`,
      ...{ exchanges, names: upstreams.names, counters: trouble.counting(metrics) },
    },
    config.passthrough,
    certificate,
  )
  const admin = createAdminServer(adminDeps, {
    listen: config.admin.listen,
    get tokens() {
      return live.config.admin.tokens
    },
  })
  admin.server.maxConnections = mostAdminConnections(readOpenFilesLimit())
  const sockets = { data: trackSockets(data.server), admin: trackSockets(admin.server) }
  const isAlone = siblings === null
  const dataPort = createDataPort(data, { sockets: sockets.data, clock, isAlone })
  if (!isAlone) admin.server.maxRequestsPerSocket = 1
  const closers: (() => void)[] = [files.close, join.close, trouble.close]

  return {
    listen: async () => {
      // It compiles schemas: before any request can wait for that.
      await admin.ready()
      const addresses = {
        data: await dataPort.listen(config.gateway.listen),
        admin: await (isAlone ? admin.listen({ ...config.admin.listen }) : standBy(admin)),
      }
      evaluator.start()
      files.follow(live.config)
      stage.listening = true
      beReady()
      return addresses
    },
    ...{ reload, prepareReload, holder },
    snapshot: metrics.snapshot,
    figures: look.figures,
    abortHere: (service, order) => evaluator.abortHere(service, order),
    serveConnection: (to, socket) => serveHanded({ data, admin }[to], socket, sockets[to]),
    succeed: (ended) => releaseLeaseOf(ended, store, clock.now()),
    drain: () =>
      drain({
        spans: live.config.gateway.drain,
        delay: createDelay,
        startDraining: () => Object.assign(stage, { ready: false, draining: true }),
        closeServer: dataPort.close,
        closeExchanges: (kind) => exchanges.closeAll(kind),
        cutConnections: sockets.data.destroyAll,
      }),
    close: async () => {
      stage.ready = false
      for (const close of closers) close()
      // One that is under way has somebody who waits for its answer.
      await reloads.run(async () => {})
      sockets.data.destroyAll()
      await dataPort.close()
      await feedback.finish().catch((error: unknown) => health.report('a write of feedback', error))
      await evaluator.stop()
      await providers.close()
      await notifications.close()
      // Whoever ends while the store is away must end all the same.
      await buffer.close().catch((error: unknown) => {
        log.error({ err: error, lost: buffer.size() }, 'predictions could not be stored')
      })
      admin.server.closeAllConnections()
      await admin.close()
      await upstreams.close()
      lastWeights.close()
      await store.close()
    },
  }
}
