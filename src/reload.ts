import type { ReloadResult } from './admin/admin-deps.ts'
import type { Config } from './config/config.ts'
import { describeChanges } from './config/describe-changes.ts'
import type { ConfigResult } from './config/load.ts'
import { formatProblem } from './config/problem.ts'
import { listRestartChanges } from './config/restart.ts'
import { describeRenewals } from './describe-renewals.ts'
import { OneByOne } from './evaluator/one-by-one.ts'
import type { LiveServices } from './live-services.ts'
import type { Renewal } from './proxy/served-certificate.ts'
import type { RolloutPlan } from './rollout/plan.ts'

type ReloadLog = {
  readonly info: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

/** What a reload needs of the gateway that it changes. */
export type ReloaderDeps = {
  readonly live: () => LiveServices
  /** Reads the data port's certificate anew; null = it has none. Throws when it cannot be used. */
  readonly readCertificate: () => Renewal | null
  readonly build: (next: Config, previous: LiveServices) => LiveServices
  /** Why a rollout cannot go on under a plan; null when it can. */
  readonly refusal: (plan: RolloutPlan) => Promise<string | null>
  /** Puts the new services in place of the old ones. */
  readonly replace: (next: LiveServices) => Promise<void>
  /** Reads the configuration file anew. */
  readonly reloadFrom: () => Promise<ConfigResult>
  readonly onResult: (success: boolean) => void
  readonly log: ReloadLog
}

/**
 * Makes the reload: the configuration file is taken over, or refused whole and nothing changes. A
 * signal, the file's change and the API may ask at the same time: reloads never overlap.
 */
export function createReloader(deps: ReloaderDeps): () => Promise<ReloadResult> {
  const oneByOne = new OneByOne()
  return () => oneByOne.run(() => reloadOnce(deps))
}

/** Reloads and tells the log what became of it; never rejects. */
export async function reloadAndLog(
  reload: () => Promise<ReloadResult>,
  log: ReloadLog,
): Promise<void> {
  try {
    const result = await reload()
    if (result.ok) log.info({ changes: result.changes }, 'reloaded')
    else log.error({ problems: result.problems }, 'refused to reload; the old configuration stays')
  } catch (error) {
    log.error({ err: error }, 'failed to reload; the old configuration stays')
  }
}

async function reloadOnce(deps: ReloaderDeps): Promise<ReloadResult> {
  let success = false
  try {
    const loaded = await deps.reloadFrom()
    const result = loaded.ok
      ? await takeOver(deps, loaded.config)
      : { ok: false as const, problems: loaded.problems.map(formatProblem) }
    success = result.ok
    return result
  } finally {
    deps.onResult(success)
  }
}

async function takeOver(deps: ReloaderDeps, next: Config): Promise<ReloadResult> {
  const previous = deps.live()
  const fixed = listRestartChanges(previous.config, next)
  if (fixed.length > 0) {
    return { ok: false, problems: fixed.map((part) => `${part}: a change needs a restart`) }
  }
  const certificate = deps.readCertificate()
  const upcoming = deps.build(next, previous)
  const problems = await listRefusals(deps, upcoming)
  if (problems.length > 0) {
    upcoming.targets.release()
    return { ok: false, problems }
  }
  try {
    certificate?.serve()
    await deps.replace(upcoming)
  } finally {
    // Requests that were assigned before go on; their connections end with the last of them.
    previous.targets.release()
  }
  const renewals = [
    ...(certificate?.isNew === true ? ['gateway.tls: a new certificate'] : []),
    ...describeRenewals(previous.targets, upcoming.targets),
  ]
  const isOnlyRenewal = renewals.length > 0 && previous.config.hash === next.hash
  const changes = isOnlyRenewal ? [] : describeChanges(previous.config, next)
  return { ok: true, changes: [...renewals, ...changes] }
}

/** Why rollouts cannot go on as configured; where nobody can tell, that is why. */
async function listRefusals(
  { refusal }: ReloaderDeps,
  { plans }: LiveServices,
): Promise<readonly string[]> {
  try {
    const refusals = await Promise.all([...plans.values()].map(refusal))
    return refusals.filter((found) => found !== null)
  } catch (error) {
    return [(error as Error).message]
  }
}
