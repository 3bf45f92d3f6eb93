import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import type { KnownTraffic } from '../config/lint-traffic.ts'
import { formatProblem } from '../config/problem.ts'
import { analysisOf, type Service } from '../domain/service.ts'
import { isExperiment } from '../rollout/experiment-plan.ts'
import type { GivenRates } from '../rollout/given-rates.ts'
import type { GivenShares } from '../rollout/segment-share.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { DEFAULT_FILE, readConfigFile, refuseFile } from './config-file.ts'
import type { GivenTraffic } from './given-traffic.ts'
import {
  collectRate,
  collectShare,
  parseRps,
  refuseStrayRate,
  refuseStrayShare,
} from './traffic-options.ts'
import { buildStyle, wrap } from './render.ts'

type CheckOptions = {
  readonly config: string
  readonly rps?: number
  readonly rate?: GivenRates
  readonly segment?: GivenShares
  readonly explain?: true
  readonly strict?: true
}

/** Adds `serin check -c FILE`: every mistake at once, what deserves a second look, and what it will do. */
export function addCheckCommand(program: Command, io: CliIo): void {
  program
    .command('check')
    .description(
      'check a configuration file: every mistake at once, and whether its store can be used',
    )
    .option('-c, --config <file>', 'the configuration', DEFAULT_FILE)
    .option('--rps <n>', 'requests (new keys) per second: can its rollouts be decided?', parseRps)
    .option('--rate <metric=share>', 'with --rps: of the baseline, conversion=30%', collectRate)
    .option(
      '--segment <name=share>',
      'with --rps: of the requests, gold=10% (default: equal shares, of no segment too)',
      collectShare,
    )
    .option('--explain', 'tell in sentences what it does; with --rps also how long it takes')
    .option('--strict', 'exit code 1 for a warning about the file, too')
    .action(async ({ config: file, rps, rate, segment, explain, strict }: CheckOptions) => {
      const known = { rates: rate, shares: segment }
      if (rps === undefined) refuseKnown(known)
      const { config, warnings, place } = await readConfigFile(io, file, rps ?? null, known)
      const metrics = config.services.flatMap((service) => analysisOf(service)?.metrics ?? [])
      refuseStrayRate(rate, metrics)
      refuseStrayShare(segment, metrics)
      for (const warning of warnings) io.stdout.write(`warning: ${warning}\n`)
      const { checkStore } = await import('../check-store.ts')
      const { unusable, exposed, earlier, refusals, notes } = await checkStore(
        config,
        io.clock.now(),
      )
      // The machine that checks is often another one than the one that serves.
      if (unusable !== null) io.stdout.write(`warning: store: ${unusable}\n`)
      if (exposed !== null) io.stdout.write(`warning: store: ${exposed}\n`)
      if (refusals.length > 0) throw refuseFile(file, refusals.map(place))
      if (earlier !== null) io.stdout.write(`note: store: ${earlier}\n`)
      for (const note of notes) io.stdout.write(`note: ${formatProblem(place(note))}\n`)
      const names = config.services.map(({ name }) => name)
      io.stdout.write(`${file} is good (services: ${names.join(', ')})\n`)
      if (explain === true)
        io.stdout.write(
          await explainConfig(io, config, rps === undefined ? null : { rps, ...known }),
        )
      if (strict === true && warnings.length > 0)
        throw new CliExit(
          EXIT.badInput,
          `--strict lets no warning pass, and ${file} has ${warnings.length}`,
        )
    })
}

function refuseKnown({ rates, shares }: KnownTraffic): void {
  const refuse = (why: string) => {
    throw new CliExit(EXIT.badInput, `${why}: give --rps too`)
  }
  if (rates !== undefined) refuse('--rate tells of a baseline at some traffic')
  if (shares !== undefined) refuse('--segment tells of the requests at some traffic')
}

async function explainConfig(
  io: CliIo,
  config: Config,
  traffic: GivenTraffic | null,
): Promise<string> {
  const [{ explainGateway, explainService }, { forecastConfig }, { planExperiment }] =
    await Promise.all([
      import('./explain-config.ts'),
      import('./forecast-config.ts'),
      import('./plan-experiment.ts'),
    ])
  const planOf = (service: Service) => {
    if (traffic === null) return null
    if (service.rollout !== null) return forecastConfig(config, service, traffic)
    return isExperiment(service) ? planExperiment(config, service, traffic) : null
  }
  const { width } = buildStyle(io, io.stdout)
  const paragraphs = [
    [explainGateway(config)],
    ...config.services.map((service) => explainService(service, planOf(service))),
  ]
  const lines = paragraphs.flatMap((sentences) => [
    '',
    ...sentences.flatMap((sentence, index) =>
      wrap(sentence, index === 0 ? width : width - 2).map((line) =>
        index === 0 ? line : `  ${line}`,
      ),
    ),
  ])
  return `${lines.join('\n')}\n`
}
