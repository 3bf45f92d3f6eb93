import { Counter, type Registry } from 'prom-client'

/** Counts what became of attempts at webhooks. */
export type NotificationCounters = {
  readonly countNotification: (service: string, result: string) => void
  readonly countConfirmation: (service: string, result: string) => void
}

/** Registers the counters of notifications and of questions to those who confirm a promotion. */
export function registerNotifications(registry: Registry): NotificationCounters {
  const notifications = counter(
    registry,
    'serin_notifications_total',
    'Attempts to notify a webhook of a decision: delivered, failed (repeated), refused, given-up.',
  )
  const confirmations = counter(
    registry,
    'serin_confirmations_total',
    'Questions whether a promotion may go on, by answer: given, refused, unreachable.',
  )
  return {
    countNotification: (service, result) => notifications.inc({ service, result }),
    countConfirmation: (service, result) => confirmations.inc({ service, result }),
  }
}

function counter(registry: Registry, name: string, help: string): Counter<'service' | 'result'> {
  return new Counter({ name, help, labelNames: ['service', 'result'], registers: [registry] })
}
