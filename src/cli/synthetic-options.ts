import { InvalidArgumentError, type Command } from 'commander'
import type { Pair } from '../domain/cohort.ts'
import { isWaitingMetric, type MetricSpec, type WaitingMetricSpec } from '../domain/rollout-spec.ts'
import { suggest } from '../domain/nearest.ts'
import { parsePercent } from '../domain/units.ts'
import { whyUnchangeable } from '../rollout/drawable-rules.ts'
import type { GivenRates } from '../rollout/given-rates.ts'
import type { RolloutPlan } from '../rollout/plan.ts'
import type { GivenShares } from '../rollout/segment-share.ts'
import { ACCURACY, type SyntheticTraffic } from '../rollout/synthetic-traffic.ts'
import { EVENT_RATE } from '../rollout/traffic.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import { parseCount } from './command-options.ts'
import {
  collectRate,
  collectShare,
  parseRps,
  parseShare,
  refuseStrayRate,
  refuseStrayShare,
} from './traffic-options.ts'

/** Options that make traffic up. Shares are fractions; changes are canary over baseline, 1.2 for +20 %. */
export type SyntheticOptions = {
  readonly rps: number
  readonly errorRate?: number
  readonly baselineErrorRate: number
  readonly rate: GivenRates
  readonly latency: number
  readonly rmse: number
  readonly change: Readonly<Record<string, number>>
  readonly segment: GivenShares
  readonly runs: number
  readonly seed: number
}

/** The same as the command line has them: all but the rate may be left out. */
export type GivenSyntheticOptions = Partial<SyntheticOptions>

const DEFAULTS = {
  ...{ baselineErrorRate: 0.01, rate: new Map(), latency: 1, rmse: 1, change: {}, segment: {} },
  ...{ runs: 200, seed: 1 },
} satisfies Partial<SyntheticOptions>

const NAMES = ['errorRate', ...(Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[])] as const

/** Adds the options of made-up traffic. */
export function addSyntheticOptions(command: Command): Command {
  return command
    .option('--rps <n>', 'make traffic up: so many requests a second', parseRps)
    .option('--error-rate <share>', "the canary's (default: the baseline's)", parseShare)
    .option('--baseline-error-rate <share>', "the baseline's (default: 1%)", parseShare)
    .option(
      '--rate <metric=share>',
      "the baseline's, of another metric: conversion=30% (default: 5%; accuracy 90%)",
      collectRate,
    )
    .option('--latency <change>', 'of the canary, at every quantile: +20%', parseChange)
    .option('--rmse <change>', 'of the canary, for every RMSE: +10%', parseChange)
    .option('--change <metric=change>', 'of another metric: accuracy=-5%', collectChange)
    .option(
      '--segment <name=share>',
      'of the requests: gold=10% (default: equal shares, of no segment too)',
      collectShare,
    )
    .option('--runs <n>', 'how many rollouts (default: 200)', parseCount(1))
    .option('--seed <n>', 'repeat what was drawn (default: 1)', parseCount(0))
}

/** The options as they were given, with what stands for those that were not. */
export function completeOptions(
  given: GivenSyntheticOptions & { readonly rps: number },
): SyntheticOptions {
  return { ...DEFAULTS, ...given }
}

/** Throws a `CliExit` where traffic is described though none is made up. */
export function refuseWithoutRate(given: GivenSyntheticOptions): void {
  const described = NAMES.filter((name) => given[name] !== undefined)
  if (described.length === 0) return
  const flags = described.map((name) => `--${name.replaceAll(/[A-Z]/g, '-$&').toLowerCase()}`)
  throw new CliExit(
    EXIT.badInput,
    `${flags.join(', ')}: this describes made-up traffic, so give --rps too`,
  )
}

/**
 * The traffic that the options describe, for a plan's metrics; throws a `CliExit` on a rate or change of a metric that
 * the plan has not, or that is not drawn.
 */
export function buildTraffic(plan: RolloutPlan, options: SyntheticOptions): SyntheticTraffic {
  for (const name of Object.keys(options.change)) refuseChange(plan, name)
  refuseRates(plan, options.rate)
  refuseStrayShare(options.segment, plan.metrics)
  const values = plan.metrics.flatMap((metric) => {
    const change = changeOf(metric, options)
    const isDrawn = isWaitingMetric(metric)
    return isDrawn ? [[metric.name, valuesOf(metric, options.rate, change)] as const] : []
  })
  const withEvents = [...options.rate].filter(([name]) => {
    const { kind } = plan.metrics.find((metric) => metric.name === name)!
    return kind === 'sum' || kind === 'mean'
  })
  const { baselineErrorRate } = options
  return {
    requestsPerSecond: options.rps,
    failures: [baselineErrorRate, options.errorRate ?? baselineErrorRate],
    latencyRatio: options.latency,
    values: Object.fromEntries(values),
    eventRates: Object.fromEntries(withEvents),
    segmentShares: options.segment,
  }
}

/** Canary over baseline of a metric's value as the options have it; 1 where no change of it is drawn. */
export function changeOf(metric: MetricSpec, options: SyntheticOptions): number {
  if (whyUnchangeable(metric) !== null) return 1
  const { name, kind } = metric
  if (kind === 'latency') return options.latency
  return options.change[name] ?? (kind === 'rmse' ? options.rmse : 1)
}

/** Throws a `CliExit` where a change of the metric of a name would decide nothing. */
function refuseChange({ metrics }: RolloutPlan, name: string): void {
  const refuse = (why: string) => {
    throw new CliExit(EXIT.badInput, `--change ${name}: ${why}`)
  }
  const names = metrics.map((m) => m.name)
  const metric = metrics.find((m) => m.name === name)
  if (metric === undefined) {
    return refuse(`no such metric (there are: ${names.join(', ')})${suggest(name, names)}`)
  }
  const why = whyUnchangeable(metric)
  if (why !== null) {
    const options = [...new Set(metrics.flatMap(describeChange))]
    const instead = options.length === 0 ? 'nothing' : options.join(', ')
    refuse(`made-up traffic leaves it out (${why}); what can be changed here: ${instead}`)
  }
  const option = OPTIONS[metric.kind]
  if (option !== undefined) refuse(`its kind has an option of its own: ${option}`)
}

/** Throws a `CliExit` where a rate of the baseline would decide nothing. */
function refuseRates({ metrics }: RolloutPlan, rates: GivenRates): void {
  refuseStrayRate(rates, metrics)
  for (const metric of metrics) {
    const why = rates.has(metric.name) ? whyUnchangeable(metric) : null
    if (why === null) continue
    throw new CliExit(
      EXIT.badInput,
      `--rate ${metric.name}: made-up traffic leaves it out (${why})`,
    )
  }
}

/** Kinds whose change has an option of its own. */
const OPTIONS: Partial<Record<MetricSpec['kind'], string>> = {
  'error-rate': '--error-rate',
  latency: '--latency',
}

function describeChange(metric: MetricSpec): readonly string[] {
  return whyUnchangeable(metric) === null ? [OPTIONS[metric.kind] ?? `--change ${metric.name}`] : []
}

function valuesOf({ name, kind }: WaitingMetricSpec, rates: GivenRates, change: number): Pair {
  if (kind !== 'accuracy' && kind !== 'conversion' && kind !== 'ratio') return [1, change]
  const rate = rates.get(name) ?? (kind === 'accuracy' ? ACCURACY : EVENT_RATE)
  return [rate, Math.min(1, rate * change)]
}

function parseChange(text: string): number {
  const change = parsePercent(text.replace(/^[+-]/, ''))
  const ratio = change === null ? NaN : text.startsWith('-') ? 1 - change : 1 + change
  if (ratio > 0) return ratio
  throw new InvalidArgumentError('Give a change like +20% or -5%.')
}

function collectChange(text: string, before: Readonly<Record<string, number>> = {}) {
  const at = text.lastIndexOf('=')
  if (at <= 0) throw new InvalidArgumentError('Give a metric and its change: accuracy=-5%.')
  return { ...before, [text.slice(0, at)]: parseChange(text.slice(at + 1)) }
}
