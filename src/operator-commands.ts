import type { CommandResult } from './admin/admin-deps.ts'
import { describeProcess } from './domain/replica.ts'
import type { Command } from './domain/decision.ts'
import { LEASE_TTL_MS } from './evaluator/lease-keeper.ts'
import { DECIDED_ELSEWHERE } from './evaluator/command-results.ts'
import type { Evaluator } from './evaluator/evaluator.ts'
import type { ServiceLook } from './service-look.ts'

/** What commands need to know of the store. */
export type CommandStore = {
  /** Whether it has been reached since the start. */
  readonly hasJoined: () => boolean
  /** `up`, or what is wrong with it. */
  readonly describe: () => string
}

type Refusal = Extract<CommandResult, { ok: false }>

/** Carries out operators' commands on services by name, and says what the service looks like then. */
export function createOperatorCommands(
  evaluator: Pick<Evaluator, 'command' | 'deciding'>,
  look: Pick<ServiceLook, 'status'>,
  store: CommandStore,
): (service: string, asked: Command, ifMatch: number | null) => Promise<CommandResult> {
  return async (service, asked, ifMatch) => {
    if (look.status(service) === null) {
      const detail = `no service ${service} is configured`
      return { ok: false, code: 'SERIN_UNKNOWN_SERVICE', detail }
    }
    if (!store.hasJoined()) {
      const detail = 'the store has not been reached since the start: nothing was decided'
      return { ok: false, code: 'SERIN_STORE_FAILED', detail }
    }
    const result = await evaluator.command(service, asked, ifMatch)
    if (result === null) {
      const detail = `${service} has neither a rollout nor split.weights: there is nothing to decide`
      return { ok: false, code: 'SERIN_REFUSED', detail }
    }
    if (result.ok) return { ...result, status: look.status(service)! }
    if (result !== DECIDED_ELSEWHERE) return withStore(result, store)
    const { lead, holder } = evaluator.deciding(service)!
    return lead === 'unknown' ? byNobody(store) : byAnother(result, holder)
  }
}

function byAnother(result: Refusal, holder: string | null): Refusal {
  if (holder === null) return result
  const who = describeProcess(holder)
  const detail = `another process holds the lease to decide on this store: ask ${who}, or try again in ${LEASE_TTL_MS / 1000} s if it has ended`
  return { ...result, detail }
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
