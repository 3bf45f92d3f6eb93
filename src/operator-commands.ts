import type { FastifyBaseLogger } from 'fastify'
import type { CommandResult } from './admin/admin-deps.ts'
import type { Command } from './domain/decision.ts'
import { DECIDED_ELSEWHERE } from './evaluator/command-results.ts'
import type { Evaluator } from './evaluator/evaluator.ts'
import type { ServiceLook } from './service-look.ts'
import type { Siblings } from './siblings.ts'

/** What commands need to know of the store. */
export type CommandStore = {
  /** Whether it has been reached since the start. */
  readonly hasJoined: () => boolean
  /** `up`, or what is wrong with it. */
  readonly describe: () => string
}

/** What carries out commands, and what is told of them. */
export type CommandDeps = {
  readonly evaluator: Pick<Evaluator, 'command' | 'deciding'>
  readonly look: Pick<ServiceLook, 'status'>
  readonly store: CommandStore
  /** Null: this is the only process of the gateway. */
  readonly siblings: Pick<Siblings, 'abort'> | null
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn'>
}

type Refusal = Extract<CommandResult, { ok: false }>

/**
 * Carries out operators' commands on services by name, and says what the service looks like then. An abort that the
 * store does not take is in force in all processes of the gateway when this resolves, and is said to be pending.
 */
export function createOperatorCommands(
  deps: CommandDeps,
): (service: string, asked: Command, ifMatch: number | null) => Promise<CommandResult> {
  const { evaluator, look, store } = deps
  return async (service, asked, ifMatch) => {
    if (look.status(service) === null) {
      const detail = `no service ${service} is configured`
      return { ok: false, code: 'SERIN_UNKNOWN_SERVICE', detail }
    }
    // What is remembered can be aborted: it is served.
    if (!store.hasJoined() && asked.verb !== 'abort') return NOT_REACHED
    const result = await evaluator.command(service, asked, ifMatch)
    if (result === null) return store.hasJoined() ? nothingToDecide(service) : NOT_REACHED
    if (result.ok) {
      const status = look.status(service)!
      const { unstored } = status
      if (result.decision !== null || unstored === null) {
        if (result.decision === null) keepReason(deps, service, asked)
        return { ...result, status, pending: null }
      }
      await tellOfUnstored(deps, service, asked)
      return { ...result, status, pending: pendingOf(unstored, store) }
    }
    if (result !== DECIDED_ELSEWHERE) return withStore(result, store)
    return evaluator.deciding(service)?.lead === 'unknown' ? byNobody(store) : JUST_CHANGED
  }
}

// No decision has it.
function keepReason({ log }: Pick<CommandDeps, 'log'>, service: string, asked: Command): void {
  const { verb, actor, note } = asked
  if (note !== null) log.info({ service, verb, actor, note }, 'a command changed nothing')
}

/** Tells the log, and the other processes of the gateway, of an abort that is in force here and not stored yet. */
export async function tellOfUnstored(
  { siblings, log }: Pick<CommandDeps, 'siblings' | 'log'>,
  service: string,
  order: Command,
): Promise<void> {
  const { actor, note } = order
  log.warn({ service, actor, note }, 'an abort is in force here, and is not stored yet')
  await siblings?.abort(service, order)
}

const NOT_REACHED: Refusal = {
  ok: false,
  code: 'SERIN_STORE_FAILED',
  detail: 'the store has not been reached since the start: nothing was decided',
}

const JUST_CHANGED: Refusal = {
  ok: false,
  code: 'SERIN_REFUSED',
  detail: 'another process begins to decide on this store, and nothing was changed: try again',
}

function nothingToDecide(service: string): Refusal {
  const detail = `${service} has neither a rollout nor split.weights: there is nothing to decide`
  return { ok: false, code: 'SERIN_REFUSED', detail }
}

function pendingOf(unstored: string, { describe }: CommandStore): string {
  const state = describe()
  return state === 'up' ? unstored : `${unstored} (it is ${state})`
}

function byNobody({ describe }: CommandStore): Refusal {
  const state = describe()
  const why = state === 'up' ? 'try again in some seconds' : `the store is ${state}`
  const detail = `nobody holds the lease to decide on this store: ${why}`
  return { ok: false, code: 'SERIN_STORE_FAILED', detail }
}

function withStore(result: Refusal, { describe }: CommandStore): Refusal {
  const state = describe()
  if (result.code !== 'SERIN_STORE_FAILED' || state === 'up') return result
  return { ...result, detail: `${result.detail}: it is ${state}` }
}
