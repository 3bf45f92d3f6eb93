import type { FastifyBaseLogger } from 'fastify'
import type { EvaluatorDeps } from './evaluator/evaluator-deps.ts'
import type { Lead } from './evaluator/lease-keeper.ts'
import type { SeenReplicas } from './evaluator/replicas.ts'

/** One sentence on the processes that share the store with this one; null = another one of them decides. */
export function describeReplicas(seen: SeenReplicas | null): string {
  if (seen === null) return 'what is served here is evidence for the process that decides'
  const { others, differing } = seen
  if (others === 0) return 'no other process on this store'
  const count = others === 1 ? 'one other process' : `${others} other processes`
  if (differing.length === 0) return `${count} on this store: their requests are evidence too`
  return (
    `${count} on this store: their requests are evidence too, but not where the configuration is another ` +
    `one (${differing.join(', ')})`
  )
}

/** One sentence on who decides. */
export function describeLead(lead: Lead): string {
  if (lead === 'here') return 'decides'
  return lead === 'elsewhere' ? 'another process decides' : 'nobody is known to decide'
}

/** What the log says of who decides, and who else is there. `onLead` is told as well. */
export function tellOfReplicas(
  log: FastifyBaseLogger,
  onLead: (leads: boolean) => void = () => {},
): Required<Pick<EvaluatorDeps, 'onLead' | 'onReplicas'>> {
  return {
    onLead: (lead) => {
      onLead(lead === 'here')
      if (lead === 'here') log.info('this process decides on the rollouts')
      else if (lead === 'elsewhere')
        log.info('another process decides on this store: this one follows its weights')
      else log.warn('nobody is known to decide on this store: the last weights are kept')
    },
    onReplicas: (seen) => log[seen.differing.length > 0 ? 'warn' : 'info'](describeReplicas(seen)),
  }
}
