import type { FastifyBaseLogger } from 'fastify'
import { presentDecisionLine } from './admin/present.ts'
import type { Decision } from './domain/decision.ts'

/** Decisions of this process on their way to whoever is told of them. */
export type DecisionNews = {
  readonly tell: (decision: Decision) => void
  /** Calls back with the service of each decision, until what it returns is called. */
  readonly follow: (listener: (service: string) => void) => () => void
}

/** Creates the place where decisions are counted, logged, sent to their receivers and told to listeners. */
export function createDecisionNews(deps: {
  readonly metrics: { readonly countDecision: (decision: Decision) => void }
  readonly notifications: { readonly wake: (service: string) => void }
  readonly log: FastifyBaseLogger
}): DecisionNews {
  const listeners = new Set<(service: string) => void>()
  return {
    tell: (decision) => {
      deps.metrics.countDecision(decision)
      deps.notifications.wake(decision.service)
      const line = { decision: presentDecisionLine(decision), evidence: decision.metrics }
      deps.log.info(line, decision.summary)
      for (const listener of listeners) listener(decision.service)
    },
    follow: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
