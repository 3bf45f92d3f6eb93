import { InvalidArgumentError, type Command } from 'commander'
import type { PlanJson } from '../admin/present-plan.ts'
import { suggest } from '../domain/nearest.ts'
import { parsePercent } from '../domain/units.ts'
import type { Config } from '../config/config.ts'
import type { GivenRates } from '../rollout/given-rates.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'
import { DEFAULT_FILE, readConfigFile } from './config-file.ts'
import { collectRate, parseRps, parseShare, refuseStrayRate } from './traffic-options.ts'
import { renderPlan } from './render-plan.ts'
import { buildStyle } from './render.ts'

type PlanOptions = ReadOptions & {
  readonly config?: string
  readonly rps?: number
  readonly errorRate?: number
  readonly rate?: GivenRates
  readonly regression?: number
}

/** Adds `serin plan [service] [--rps N]`: how long a rollout takes, with a gateway or from a file. */
export function addPlanCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('plan')
      .description('how long a rollout takes, and what to change')
      .argument('[service]', 'may be left out where a file has one rollout')
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
        '--regression <percent>',
        'a change to be seen (default: 100% of failures, else 2 margins)',
        parseChange,
      ),
  ).action(async (name: string | undefined, options: PlanOptions) => {
    // Without a service to ask a gateway about, it is the file that is meant, as of `check --rps`.
    const isOfGateway =
      name !== undefined || options.rps === undefined || options.admin !== undefined
    const file = options.config ?? (isOfGateway ? null : DEFAULT_FILE)
    const plan =
      file === null ? await askGateway(io, name, options) : await readPlan(io, file, name, options)
    if (options.output === 'json') return writeJson(io, plan)
    io.stdout.write(`${renderPlan(plan, buildStyle(io, io.stdout)).join('\n')}\n`)
  })
}

function parseChange(text: string): number {
  const change = parsePercent(text)
  if (change !== null && change > 0 && change <= 1e3) return change
  throw new InvalidArgumentError('Write it as 20% (100% is a doubling).')
}

function askGateway(io: CliIo, name: string | undefined, options: PlanOptions): Promise<PlanJson> {
  if (name === undefined) {
    throw new CliExit(
      EXIT.badInput,
      'name the service (`serin status` lists them), or a file with -c',
    )
  }
  const { rps, errorRate, rate, regression } = options
  const rates = rate && [...rate].map((each) => each.join(':')).join(',')
  const query = { rps, errorRate, rates, regression }
  return withClient(io, options, (client) => client.plan(name, query))
}

async function readPlan(
  io: CliIo,
  file: string,
  name: string | undefined,
  { rps, errorRate, rate, regression }: PlanOptions,
): Promise<PlanJson> {
  if (rps === undefined) {
    throw new CliExit(EXIT.badInput, 'a file has no traffic to observe: give --rps')
  }
  const { config } = await readConfigFile(io, file)
  const service = chooseService(config, file, name)
  refuseStrayRate(rate, service.rollout!.analysis.metrics)
  // As much as a gateway loads: most commands never need it.
  const { forecastConfig } = await import('./forecast-config.ts')
  const given = {
    ...(errorRate === undefined ? {} : { errorRate }),
    ...(regression === undefined ? {} : { regression }),
  }
  return forecastConfig(config, service, { rps, rates: rate, ...given })
}

function chooseService(config: Config, file: string, name: string | undefined) {
  const rollouts = config.services.filter(({ rollout }) => rollout !== null)
  const known = rollouts.map((service) => service.name).join(', ')
  if (name === undefined) {
    if (rollouts.length === 1) return rollouts[0]!
    const found = rollouts.length === 0 ? 'no rollout' : `several rollouts (${known}): name one`
    throw new CliExit(EXIT.badInput, `${file} has ${found}`)
  }
  const service = rollouts.find((each) => each.name === name)
  if (service !== undefined) return service
  const names = rollouts.map((each) => each.name)
  const rest = known === '' ? '' : ` (those with one: ${known})`
  throw new CliExit(
    EXIT.badInput,
    `${file} has no service "${name}" with a rollout${rest}${suggest(name, names)}`,
  )
}
