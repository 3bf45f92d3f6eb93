import type { CommandResult } from './admin/admin-deps.ts'
import type { Command } from './domain/decision.ts'
import type { Evaluator } from './evaluator/evaluator.ts'
import type { ServiceLook } from './service-look.ts'

/** Carries out operators' commands on services by name, and says what the service looks like then. */
export function createOperatorCommands(
  evaluator: Pick<Evaluator, 'command'>,
  look: Pick<ServiceLook, 'status'>,
  hasStore: () => boolean,
): (service: string, asked: Command, ifMatch: number | null) => Promise<CommandResult> {
  return async (service, asked, ifMatch) => {
    if (look.status(service) === null) {
      const detail = `no service ${service} is configured`
      return { ok: false, code: 'SERIN_UNKNOWN_SERVICE', detail }
    }
    if (!hasStore()) {
      const detail = 'the store has not been reached since the start: nothing was decided'
      return { ok: false, code: 'SERIN_STORE_FAILED', detail }
    }
    const result = await evaluator.command(service, asked, ifMatch)
    if (result === null) {
      const detail = `${service} has neither a rollout nor split.weights: there is nothing to decide`
      return { ok: false, code: 'SERIN_REFUSED', detail }
    }
    return result.ok ? { ...result, status: look.status(service)! } : result
  }
}
