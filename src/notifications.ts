import type { FastifyBaseLogger } from 'fastify'
import { presentDecision } from './admin/present.ts'
import { hookName } from './config/hook-name.ts'
import type { Clock } from './domain/clock.ts'
import type { Service } from './domain/service.ts'
import type { Confirm } from './evaluator/observe.ts'
import type { NotificationCounters } from './metrics/register-notifications.ts'
import { Notifier } from './notify/notifier.ts'
import type { NotifyReport } from './notify/outbox.ts'
import { PromotionConfirmer, type ConfirmationReport } from './notify/promotion-confirmer.ts'
import { renderBody } from './notify/render-body.ts'
import { createWebhookSender, describeAnswer } from './notify/webhook-sender.ts'
import { createStoreWait } from './store-wait.ts'
import type { Store } from './store/store.ts'

/** The webhooks of the running configuration. */
export type Notifications = {
  readonly confirm: Confirm
  /** A service has decided something. */
  readonly wake: (service: string) => void
  /** Goes on with the webhooks of these services; what is decided from then on is theirs. */
  readonly follow: (services: readonly Service[]) => Promise<void>
  readonly start: () => void
  /** Ends what is under way, 5 s at most; what was not delivered is when serin runs again. */
  readonly close: () => Promise<void>
}

/** Wires the webhooks: bodies are what the admin API shows, the log never has more of an address than its origin. */
export function createNotifications(deps: {
  readonly store: Store
  readonly clock: Clock
  readonly draw: () => number
  readonly leads: () => boolean
  readonly log: FastifyBaseLogger
  readonly metrics: NotificationCounters
  /** The log says already that the store is away. */
  readonly isStoreTold: () => boolean
}): Notifications {
  const { clock, draw, isStoreTold, leads, log, metrics, store } = deps
  let services: readonly Service[] = []
  const { send, close } = createWebhookSender(clock)
  const wait = createStoreWait({
    ...{ isStoreTold, log },
    onBegin: (error) => log.warn({ err: error }, 'notifications wait for the store'),
    onEnd: () => log.info('notifications wait for the store no more'),
    onMistake: (error) => log.error({ err: error }, 'notifications could not be sent'),
  })
  const notifier = new Notifier({
    ...{ store, clock, draw, leads, send },
    render: (decision, hook) => renderBody(hook.template, decision, presentDecision(decision)),
    report: (report) => {
      metrics.countNotification(report.service, report.result)
      logNotification(log, report)
    },
    onError: wait.failed,
    onDone: wait.worked,
  })
  const confirmer = new PromotionConfirmer({
    ...{ clock, leads, send },
    hooks: (name) => services.find((service) => service.name === name)?.notify ?? [],
    render: (candidate) => {
      // Not decided yet, so it has no number.
      const shown = { ...presentDecision({ ...candidate, id: 0 }), id: null }
      return renderBody('json', candidate, shown)
    },
    report: (report) => {
      metrics.countConfirmation(report.service, report.result)
      // Asked every 10 s, perhaps for days: what is said again is no news.
      if (report.isNews) logConfirmation(log, report)
    },
  })
  return {
    confirm: confirmer.confirm,
    wake: (service) => notifier.wake(service),
    follow: (next) => {
      services = next
      return notifier.follow(next)
    },
    start: () => notifier.start(),
    close: async () => {
      await notifier.close()
      await close()
    },
  }
}

function logNotification(
  log: FastifyBaseLogger,
  { service, hook, decision, result, reason, retryInMs }: NotifyReport,
): void {
  const fields = { service, hook: hookName(hook.url), decision, reason }
  switch (result) {
    case 'delivered':
      return log.debug(fields, 'notified')
    case 'failed':
      return log.warn({ ...fields, retryInMs }, 'a notification failed, and is repeated')
    case 'refused':
      return log.error(fields, 'a notification was refused, and is not repeated')
    case 'given-up':
      return log.error(fields, 'a notification is given up: its decision is a day old')
  }
}

function logConfirmation(
  log: FastifyBaseLogger,
  { service, hook, answer, result }: ConfirmationReport,
): void {
  const fields = { service, hook: hookName(hook.url), reason: describeAnswer(answer) }
  if (result === 'given') log.info(fields, 'a promotion is confirmed')
  else log.warn(fields, 'a promotion is not confirmed yet')
}
