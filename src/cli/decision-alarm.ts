import type { AdminClient } from './admin-client.ts'

/** Says when something was decided, where the gateway tells it. */
export type DecisionAlarm = {
  /** Listens from now on, unless it does already: a stream that broke is taken up again. */
  readonly listen: () => void
  /** Aborts at a decision, or when the watch is stopped; a new one from each call on. */
  readonly next: () => AbortSignal
}

/** Creates the alarm for one service, or (null) for all, until `stop` aborts. */
export function createDecisionAlarm(
  client: AdminClient,
  service: string | null,
  stop: AbortSignal,
): DecisionAlarm {
  let bell = new AbortController()
  let stream: 'none' | 'open' | 'never' = 'none'
  stop.addEventListener('abort', () => bell.abort(), { once: true })
  return {
    listen: () => {
      if (stream !== 'none') return
      stream = 'open'
      void client
        .followDecisions(service, () => bell.abort(), stop)
        .then((end) => (stream = end === 'never' ? end : 'none'))
    },
    next: () => {
      if (!stop.aborted) bell = new AbortController()
      return bell.signal
    },
  }
}
