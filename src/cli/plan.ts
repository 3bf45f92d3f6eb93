import { InvalidArgumentError, type Command } from 'commander'
import type { ExperimentPlanJson } from '../admin/present-experiment-plan.ts'
import type { PlanJson } from '../admin/present-plan.ts'
import { suggest } from '../domain/nearest.ts'
import { analysisOf, type Service } from '../domain/service.ts'
import { parsePercent } from '../domain/units.ts'
import type { Config } from '../config/config.ts'
import { isExperiment } from '../rollout/experiment-plan.ts'
import type { GivenRates } from '../rollout/given-rates.ts'
import type { GivenShares } from '../rollout/segment-share.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'
import { DEFAULT_FILE, readConfigFile } from './config-file.ts'
import {
  collectRate,
  collectShare,
  parseRps,
  parseShare,
  refuseStrayRate,
  refuseStrayShare,
} from './traffic-options.ts'
import { renderExperimentPlan } from './render-experiment-plan.ts'
import { renderPlan } from './render-plan.ts'
import { buildStyle, type Style } from './render.ts'

type PlanOptions = ReadOptions & {
  readonly config?: string
  readonly rps?: number
  readonly errorRate?: number
  readonly rate?: GivenRates
  readonly segment?: GivenShares
  readonly regression?: number
  readonly requireFit?: true
}

/** Adds `serin plan [service] [--rps N]`: how long a rollout, or an experiment, takes, with a gateway or from a file. */
export function addPlanCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('plan')
      .description('how long a rollout, or an experiment, takes, and what to change')
      .argument(
        '[service]',
        'may be left out where a file has one rollout, or one experiment alone',
      )
      .option(
        '-c, --config <file>',
        `of a file, without a gateway; needs --rps (${DEFAULT_FILE} where no service is named)`,
      )
      .option('--rps <n>', 'requests (new keys) per second (default: as observed)', parseRps)
      .option(
        '--error-rate <percent>',
        'failures of the baseline (default: as observed, or 1%)',
        parseShare,
      )
      .option(
        '--rate <metric=share>',
        'of the baseline, of another metric: conversion=30% (default: as observed, or 5%; accuracy 90%)',
        collectRate,
      )
      .option(
        '--segment <name=share>',
        'of the requests: gold=10% (default: as observed, or equal shares, of no segment too)',
        collectShare,
      )
      .option(
        '--regression <percent>',
        'a change to be seen (default: 100% of failures, else 2 margins)',
        parseChange,
      )
      .option('--require-fit', 'exit code 1 where the rollout is longer than its maxDuration'),
  ).action(async (name: string | undefined, options: PlanOptions) => {
    // Without a service to ask a gateway about, it is the file that is meant, as of `check --rps`.
    const isOfGateway =
      name !== undefined || options.rps === undefined || options.admin !== undefined
    const file = options.config ?? (isOfGateway ? null : DEFAULT_FILE)
    const { plan, render } =
      file === null ? await askGateway(io, name, options) : await readPlan(io, file, name, options)
    if (options.requireFit === true && plan.strategy === 'fixed') {
      throw new CliExit(EXIT.badInput, '--require-fit: an experiment has no limit to fit into')
    }
    if (options.output === 'json') writeJson(io, plan)
    else io.stdout.write(`${render(buildStyle(io, io.stdout)).join('\n')}\n`)
    // The plan says why.
    const isTooLong = plan.strategy !== 'fixed' && !plan.fits
    if (options.requireFit === true && isTooLong) throw new CliExit(EXIT.badInput)
  })
}

function parseChange(text: string): number {
  const change = parsePercent(text)
  if (change !== null && change > 0 && change <= 1e3) return change
  throw new InvalidArgumentError('Write it as 20% (100% is a doubling).')
}

/** A plan as JSON, and as lines. */
type Planned = {
  readonly plan: PlanJson | ExperimentPlanJson
  readonly render: (style: Style) => readonly string[]
}

function planned(plan: PlanJson | ExperimentPlanJson): Planned {
  const render = (style: Style) =>
    plan.strategy === 'fixed' ? renderExperimentPlan(plan, style) : renderPlan(plan, style)
  return { plan, render }
}

async function askGateway(
  io: CliIo,
  name: string | undefined,
  options: PlanOptions,
): Promise<Planned> {
  if (name === undefined) {
    throw new CliExit(
      EXIT.badInput,
      'name the service (`serin status` lists them), or a file with -c',
    )
  }
  const { rps, errorRate, rate, segment, regression } = options
  const write = (shares: Iterable<readonly [string, number]>) =>
    [...shares].map((each) => each.join(':')).join(',')
  const rates = rate && write(rate)
  const segments = segment && write(Object.entries(segment))
  const query = { rps, errorRate, rates, segments, regression }
  return planned(await withClient(io, options, (client) => client.plan(name, query)))
}

async function readPlan(
  io: CliIo,
  file: string,
  name: string | undefined,
  { rps, errorRate, rate, segment, regression }: PlanOptions,
): Promise<Planned> {
  if (rps === undefined) {
    throw new CliExit(EXIT.badInput, 'a file has no traffic to observe: give --rps')
  }
  const { config } = await readConfigFile(io, file)
  const service = chooseService(config, file, name)
  const { metrics } = analysisOf(service)!
  refuseStrayRate(rate, metrics)
  refuseStrayShare(segment, metrics)
  const given = {
    ...{ rps, rates: rate, shares: segment },
    ...(errorRate === undefined ? {} : { errorRate }),
    ...(regression === undefined ? {} : { regression }),
  }
  // As much as a gateway loads: most commands never need it.
  if (service.rollout !== null) {
    const { forecastConfig } = await import('./forecast-config.ts')
    return planned(forecastConfig(config, service, given))
  }
  const { planExperiment } = await import('./plan-experiment.ts')
  return planned(planExperiment(config, service, given))
}

/** The service that is meant: with a rollout, or variants that are compared at fixed weights. */
function chooseService(config: Config, file: string, name: string | undefined): Service {
  const rollouts = config.services.filter(({ rollout }) => rollout !== null)
  const planned = config.services.filter((each) => rollouts.includes(each) || isExperiment(each))
  const known = planned.map((service) => service.name).join(', ')
  if (name === undefined) {
    // An experiment beside the only rollout is named where it is meant.
    const meant = rollouts.length === 0 ? planned : rollouts
    if (meant.length === 1) return meant[0]!
    const found =
      planned.length === 0
        ? 'no rollout, and no experiment'
        : `several rollouts and experiments (${known}): name one`
    throw new CliExit(EXIT.badInput, `${file} has ${found}`)
  }
  const service = planned.find((each) => each.name === name)
  if (service !== undefined) return service
  const names = planned.map((each) => each.name)
  const rest = known === '' ? '' : ` (those with one: ${known})`
  throw new CliExit(
    EXIT.badInput,
    `${file} has no service "${name}" with a rollout or an experiment${rest}${suggest(name, names)}`,
  )
}
