import type { Evaluator } from './evaluator/evaluator.ts'
import { describeLead, describeReplicas } from './describe-replicas.ts'

/** Where a gateway stands between its start and its end. */
export type Stage = {
  /** Its ports are open. */
  listening: boolean
  /** Requests should be sent here. */
  ready: boolean
  draining: boolean
}

/** What `GET /readyz` answers: whether requests should be sent here, and a sentence on each part. */
export function describeReadiness(
  stage: Stage,
  { lead, replicas }: Pick<Evaluator, 'lead' | 'replicas'>,
  store: string,
): { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> } {
  const checks = {
    gateway: describeStage(stage),
    evaluator: describeLead(lead),
    replicas: describeReplicas(replicas),
    store,
  }
  return { ready: stage.ready, checks }
}

function describeStage({ listening, ready, draining }: Stage): string {
  if (draining) return 'draining'
  if (ready) return 'serving'
  return listening ? 'serving, and not ready before the store is there' : 'not listening'
}
