import type { Config } from '../config/config.ts'
import type { KnownTraffic } from '../config/lint-traffic.ts'
import type { ConfigResult, PlacedConfig } from '../config/load.ts'
import { formatProblem, type ConfigProblem } from '../config/problem.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'

/** The file that is read when none is named. */
export const DEFAULT_FILE = 'serin.yaml'

/** A configuration that holds, with what deserves a second look; sentences with their place. */
export type ReadConfig = {
  readonly config: Config
  readonly warnings: readonly string[]
  readonly place: PlacedConfig['place']
}

/**
 * Reads a configuration file; throws a `CliExit` that lists every problem at once. `rps` is the traffic
 * that its rollouts are checked for; null = not known. `known`: what is known of it beside.
 */
export async function readConfigFile(
  io: Pick<CliIo, 'clock' | 'env'>,
  file: string,
  rps: number | null = null,
  known: KnownTraffic = {},
): Promise<ReadConfig> {
  const { loadPlacedConfig } = await import('../config/load.ts')
  const { result, place } = await loadPlacedConfig(file, io.env, {
    ...{ rps, known },
    now: io.clock.now(),
  })
  if (!result.ok) throw refuseFile(file, result.problems)
  const { config, warnings } = result
  return { config, warnings: warnings.map(formatProblem), place }
}

/** How a command ends whose configuration is not good: every problem in a line of its own. */
export function refuseFile(file: string, problems: readonly ConfigProblem[]): CliExit {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  const lines = problems.map((problem) => `\n  ${formatProblem(problem)}`)
  // The one problem without a place is a file that cannot be read.
  const advice =
    problems[0]!.line === null && problems[0]!.path === ''
      ? '\n`serin init` writes a first one, and -c names another.'
      : ''
  return new CliExit(EXIT.badInput, `${file} has ${count}:${lines.join('')}${advice}`, {
    problems: problems.map(formatProblem),
  })
}

/** Reads a configuration file on a thread of its own, for who serves meanwhile. */
export async function loadConfigFileApart(
  io: Pick<CliIo, 'env'>,
  file: string,
): Promise<ConfigResult> {
  const { loadConfigApart } = await import('../config/load-apart.ts')
  return loadConfigApart(file, io.env)
}
