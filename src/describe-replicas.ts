import type { FastifyBaseLogger } from 'fastify'
import type { EvaluatorDeps } from './evaluator/evaluator-deps.ts'
import { adminOfProcess, describeProcess } from './domain/process-name.ts'
import type { Lead } from './domain/replica.ts'
import type { SeenReplicas } from './evaluator/replicas.ts'

/** One sentence on the processes that share the store with this one, which decides. */
export function describeReplicas({ others, differing }: SeenReplicas): string {
  if (others === 0) return 'no other process on this store'
  const count = others === 1 ? 'one other process' : `${others} other processes`
  const shared = `${count} on this store: their requests are evidence too`
  if (differing.length === 0) return shared
  const which = differing.map(
    ({ replica, services }) => `${services.join(', ')} on ${describeProcess(replica)}`,
  )
  return `${shared}, but not where the configuration, or what this version of serin makes of it, is another one (${which.join('; ')})`
}

/** One sentence on what this process is to the one that decides; `differing`: services that it has otherwise. */
export function describeFollowing(lead: Lead, differing: readonly string[]): string {
  if (lead === 'unknown') return 'what is served here is evidence for nobody'
  const shared = 'what is served here is evidence for the process that decides'
  if (differing.length === 0) return shared
  return `${shared}, but not of ${differing.join(', ')}: that one has another configuration, or is another version of serin`
}

/** One sentence on who decides; `holder` is the name of that process, where it is another one and known. */
export function describeLead(lead: Lead, holder: string | null): string {
  if (lead === 'here') return 'decides'
  if (lead === 'unknown') return 'nobody is known to decide'
  if (holder === null) return 'another process decides'
  const admin = adminOfProcess(holder)
  return `${describeProcess(holder)}${admin === null ? '' : ` (${admin.origin})`} decides`
}

/** What the log says of who decides, who else is there, and what is not taken up. `onLead` is told as well. */
export function tellOfReplicas(
  log: FastifyBaseLogger,
  onLead: (leads: boolean) => void = () => {},
): Required<Pick<EvaluatorDeps, 'onLead' | 'onReplicas' | 'onUntaken'>> {
  return {
    onLead: (lead) => {
      onLead(lead === 'here')
      if (lead === 'here') log.info('this process decides on the rollouts')
      else if (lead === 'elsewhere')
        log.info('another process decides on this store: this one follows its weights')
      else log.warn('nobody is known to decide on this store: the last weights are kept')
    },
    onReplicas: (seen) => log[seen.differing.length > 0 ? 'warn' : 'info'](describeReplicas(seen)),
    onUntaken: (untaken) => {
      const waiting = untaken.map(({ sentence }) => sentence)
      if (waiting.length === 0) log.info('the store has taken up all of the configuration')
      else log.warn({ waiting }, 'the store has not taken up all of the configuration in force')
    },
  }
}
