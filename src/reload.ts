import type { ReloadResult } from './admin/admin-deps.ts'
import type { Config } from './config/config.ts'
import { describeChanges } from './config/describe-changes.ts'
import type { ConfigResult } from './config/load.ts'
import { formatProblem } from './config/problem.ts'
import { listRestartChanges } from './config/restart.ts'
import { describeRenewals } from './describe-renewals.ts'
import type { Clock } from './domain/clock.ts'
import type { LiveServices } from './live-services.ts'
import type { Renewal } from './proxy/served-certificate.ts'
import { formatTimeSpan } from './rollout/format.ts'
import type { RolloutPlan } from './rollout/plan.ts'

/** Who hears what became of a reload. */
export type ReloadLog = {
  readonly info: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

/** What a reload needs of the gateway that it changes. */
export type ReloadDeps = {
  readonly clock: Clock
  readonly live: () => LiveServices
  /** Reads the data port's certificate anew; null = it has none. Throws when it cannot be used. */
  readonly readCertificate: () => Renewal | null
  /** Rejects with a sentence when a configuration cannot be brought to life. */
  readonly build: (next: Config, previous: LiveServices) => Promise<LiveServices>
  /** Why a rollout cannot go on under a plan; null when it can. */
  readonly refusal: (plan: RolloutPlan) => Promise<string | null>
  /** Puts the new services in place of the old ones; resolves with sentences of what waits for the store. */
  readonly replace: (next: LiveServices) => Promise<readonly string[]>
  /** Told why a configuration was refused; null = it was taken. */
  readonly onResult: (problems: readonly string[] | null) => void
}

/** What is to be said of a configuration before it is taken. `problems` are sentences; nothing has changed. */
export type PreparedReload =
  | {
      readonly ok: true
      /** Takes it over, whether the store is there or not. */
      readonly take: () => Promise<TakenConfig>
      /** It is not taken, since others cannot take it. */
      readonly discard: () => void
    }
  | { readonly ok: false; readonly problems: readonly string[] }

/** A configuration that is in force now, in sentences. */
export type TakenConfig = {
  readonly changes: readonly string[]
  /** What the store has not taken up of it: that is tried again until it has. */
  readonly waiting: readonly string[]
}

/** Checks a configuration that was read, and changes nothing yet. Rejects when that cannot be told. */
export type PrepareReload = (loaded: ConfigResult) => Promise<PreparedReload>

/** Makes the two halves of a reload, so that several processes can take a configuration all or none. */
export function createPrepareReload(deps: ReloadDeps): PrepareReload {
  const memory: Memory = { last: null }
  return async (loaded) => {
    try {
      const prepared = loaded.ok
        ? await check(deps, memory, loaded.config)
        : { ok: false as const, problems: loaded.problems.map(formatProblem) }
      if (!prepared.ok) deps.onResult(prepared.problems)
      return prepared
    } catch (error) {
      deps.onResult([(error as Error).message])
      throw error
    }
  }
}

/** Reloads one process: the configuration is taken over, or refused whole and nothing changes. */
export async function reloadFrom(
  read: () => Promise<ConfigResult>,
  prepare: PrepareReload,
): Promise<ReloadResult> {
  const prepared = await prepare(await read())
  return prepared.ok ? { ok: true, ...(await prepared.take()) } : prepared
}

/** Reloads and tells the log what became of it; never rejects. */
export async function reloadAndLog(
  reload: () => Promise<ReloadResult>,
  log: ReloadLog,
): Promise<void> {
  try {
    const result = await reload()
    if (result.ok) {
      const { changes, waiting } = result
      log.info({ changes, waiting }, 'reloaded')
    } else
      log.error({ problems: result.problems }, 'refused to reload; the old configuration stays')
  } catch (error) {
    log.error({ err: error }, 'failed to reload')
  }
}

/** The last reload that changed something. */
type Memory = { last: { readonly at: number; readonly changes: readonly string[] } | null }

/** For so long a reload that changes nothing tells of the one before: the file is watched, and was faster. */
const RECENT_MS = 60_000

async function check(deps: ReloadDeps, memory: Memory, next: Config): Promise<PreparedReload> {
  const { config } = deps.live()
  const fixed = listRestartChanges(config, next)
  if (fixed.length > 0) {
    return { ok: false, problems: fixed.map((part) => `${part}: a change needs a restart`) }
  }
  const certificate = deps.readCertificate()
  const upcoming = await deps.build(next, deps.live())
  const problems = await listRefusals(deps, upcoming)
  if (problems.length > 0) {
    upcoming.targets.release()
    return { ok: false, problems }
  }
  return {
    ok: true,
    take: async () => {
      try {
        const taken = await takeOver(deps, memory, upcoming, certificate)
        deps.onResult(null)
        return taken
      } catch (error) {
        deps.onResult([(error as Error).message])
        throw error
      }
    },
    discard: () => {
      upcoming.targets.release()
      deps.onResult(['another worker could not take it: the log says why'])
    },
  }
}

async function takeOver(
  deps: ReloadDeps,
  memory: Memory,
  upcoming: LiveServices,
  certificate: Renewal | null,
): Promise<TakenConfig> {
  const previous = deps.live()
  try {
    certificate?.serve()
  } catch (error) {
    upcoming.targets.release()
    throw error
  }
  try {
    const waiting = await deps.replace(upcoming)
    return { changes: listChanges(deps, memory, { previous, upcoming, certificate }), waiting }
  } finally {
    // Requests that were assigned before go on; their connections end with the last of them.
    previous.targets.release()
  }
}

function listChanges(
  { clock }: Pick<ReloadDeps, 'clock'>,
  memory: Memory,
  {
    previous,
    upcoming,
    certificate,
  }: {
    readonly previous: LiveServices
    readonly upcoming: LiveServices
    readonly certificate: Renewal | null
  },
): readonly string[] {
  const next = upcoming.config
  const renewals = [
    ...(certificate?.isNew === true ? ['gateway.tls: a new certificate'] : []),
    ...describeRenewals(previous.targets, upcoming.targets),
  ]
  const isSame = previous.config.hash === next.hash
  if (isSame && renewals.length > 0) return renewals
  const now = clock.monotonic()
  if (isSame && memory.last !== null && now - memory.last.at < RECENT_MS) {
    const ago = formatTimeSpan(now - memory.last.at)
    return [
      `nothing new: the file was taken over ${ago} ago, with these changes`,
      ...memory.last.changes,
    ]
  }
  const changes = [...renewals, ...describeChanges(previous.config, next)]
  if (!isSame) memory.last = { at: now, changes }
  return changes
}

/** Why rollouts cannot go on as configured; where nobody can tell, that is why. */
async function listRefusals(
  { refusal }: ReloadDeps,
  { plans }: LiveServices,
): Promise<readonly string[]> {
  try {
    const refusals = await Promise.all([...plans.values()].map(refusal))
    return refusals.filter((found) => found !== null)
  } catch (error) {
    return [(error as Error).message]
  }
}
