import type { Evaluator } from './evaluator/evaluator.ts'
import type { Service } from './domain/service.ts'
import { describeFollowing, describeLead, describeReplicas } from './describe-replicas.ts'

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
  evaluator: Pick<Evaluator, 'lead' | 'replicas' | 'deciding' | 'untaken'>,
  services: readonly Pick<Service, 'name'>[],
  store: string,
): { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> } {
  const { lead, replicas, untaken } = evaluator
  const decided = services.flatMap(({ name }) => {
    const deciding = evaluator.deciding(name)
    return deciding === null ? [] : [{ name, ...deciding }]
  })
  const holder = decided[0]?.holder ?? null
  const differing = decided.filter(({ differs }) => differs).map(({ name }) => name)
  const checks = {
    gateway: describeStage(stage),
    evaluator: describeLead(lead, holder),
    replicas: replicas === null ? describeFollowing(lead, differing) : describeReplicas(replicas),
    store,
    configuration: ['in force', ...untaken.map(({ sentence }) => sentence)].join('; '),
  }
  return { ready: stage.ready, checks }
}

function describeStage({ listening, ready, draining }: Stage): string {
  if (draining) return 'draining'
  if (ready) return 'serving'
  return listening ? 'serving, and not ready before the store is there' : 'not listening'
}
