import type { Command } from 'commander'
import type { Config } from '../config/config.ts'
import { suggest } from '../domain/nearest.ts'
import { buildPlan, type RolloutPlan } from '../rollout/plan.ts'
import { replay, type Replay } from '../rollout/replay.ts'
import { comparisonsIn, judgeChallengers } from './backtest-experiment.ts'
import { createBacktestProgress } from './backtest-progress.ts'
import { buildBacktestReport } from './backtest-report.ts'
import { renderBacktest } from './backtest-text.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'
import { DEFAULT_FILE, readConfigFile } from './config-file.ts'
import { readRecord, type KeptAttempt } from './read-record.ts'
import { buildStyle } from './render.ts'
import { runSynthetic } from './synthetic.ts'
import {
  addSyntheticOptions,
  completeOptions,
  refuseWithoutRate,
  type GivenSyntheticOptions,
} from './synthetic-options.ts'

type BacktestOptions = ReadOptions &
  GivenSyntheticOptions & {
    readonly config?: string
    readonly rollout?: string
    readonly variant?: string
  }

/** Adds `serin backtest`: recorded or made-up traffic, judged under other rules. */
export function addBacktestCommand(program: Command, io: CliIo): void {
  const command = program
    .command('backtest')
    .description('judge recorded traffic again under other rules, or made-up traffic (--rps)')
    .argument('[service]', 'may be left out where the file has one alone (--rps)')
    .option(
      '-c, --config <file>',
      `the rules (default: those it was judged by; with --rps ${DEFAULT_FILE})`,
    )
    .option('--rollout <id>', 'an attempt (default: the newest that is kept)')
    .option('--variant <name>', 'a challenger of an experiment (default: all of them)')
  addReadOptions(addSyntheticOptions(command)).action(
    async (service: string | undefined, options: BacktestOptions) => {
      const { rps } = options
      if (rps !== undefined) return judgeMadeUp(io, service ?? null, { ...options, rps })
      refuseWithoutRate(options)
      if (service !== undefined) return judgeAgain(io, service, options)
      throw new CliExit(
        EXIT.badInput,
        'name the service whose record is judged, or make traffic up with --rps',
      )
    },
  )
}

async function judgeMadeUp(
  io: CliIo,
  service: string | null,
  options: BacktestOptions & { readonly rps: number },
): Promise<void> {
  for (const name of ['rollout', 'variant'] as const) {
    if (options[name] === undefined) continue
    throw new CliExit(
      EXIT.badInput,
      `--${name} names recorded traffic, and --rps makes traffic up: give one of the two`,
    )
  }
  const file = options.config ?? DEFAULT_FILE
  const { output } = options
  const { config } = await readConfigFile(io, file)
  await runSynthetic(io, rulesOf(config, file, service), file, {
    ...completeOptions(options),
    output,
  })
}

async function judgeAgain(io: CliIo, service: string, options: BacktestOptions): Promise<void> {
  const file = options.config ?? null
  // A mistake in the file is told before anything is fetched.
  const config = file === null ? null : (await readConfigFile(io, file)).config
  const challengers = await challengersOf(io, service, config, options)
  if (challengers !== null) {
    const rules = config === null ? null : { file: file!, config }
    return judgeChallengers(io, service, challengers, rules, options)
  }
  const rules = config === null ? null : rulesOf(config, file!, service)
  const { attempt, record, replayed } = await replayKept(io, service, rules, options)
  if (replayed === null) {
    throw new CliExit(
      EXIT.badInput,
      `the log does not know how ${attempt.rollout} began, so it cannot be judged again: take another with --rollout (\`-o json\` of another backtest names them)`,
    )
  }
  const report = buildBacktestReport(attempt, record, replayed, file)
  if (options.output === 'json') return writeJson(io, report)
  const lines = renderBacktest(report, buildStyle(io, io.stdout))
  io.stdout.write(`${lines.join('\n')}\n`)
}

/** Reads what is kept of an attempt and replays it, under other rules or (null) its own. */
async function replayKept(
  io: CliIo,
  service: string,
  rules: RolloutPlan | null,
  options: BacktestOptions,
): Promise<KeptAttempt & { readonly replayed: Replay | null }> {
  const progress = createBacktestProgress(io)
  try {
    const { attempt, record } = await withClient(io, options, (client) => {
      const onRead = progress.begin('read')
      return readRecord(client, service, options.rollout ?? null, io.clock.now(), onRead)
    })
    const { baselineVersion, canaryVersion, keyed } = record.plan
    const plan: RolloutPlan = { ...(rules ?? record.plan), baselineVersion, canaryVersion, keyed }
    const onJudged = progress.begin('judged')
    const replayed = replay(record, plan, (done) => onJudged(done, record.cohorts.length))
    return { attempt, record, replayed }
  } finally {
    progress.clear()
  }
}

/** Whose cohorts are judged again: those of an experiment's challengers, or (null) of a rollout. */
async function challengersOf(
  io: CliIo,
  name: string,
  config: Config | null,
  options: BacktestOptions,
): Promise<readonly string[] | null> {
  if (options.variant !== undefined) return [options.variant]
  // An attempt that is named is one of a rollout: those of challengers have names of their own each.
  if (options.rollout !== undefined) return null
  const compared =
    config === null
      ? (await withClient(io, options, (client) => client.service(name))).service.comparisons
      : comparisonsIn(config, name)
  return compared.length === 0 ? null : compared.map((c) => c.variant)
}

/** The plan of a service of a file; `name: null` = of the only one that has a rollout. */
function rulesOf(config: Config, file: string, name: string | null): RolloutPlan {
  const named = config.services.filter((s) =>
    name === null ? s.rollout !== null : s.name === name,
  )
  const [service] = named
  if (service === undefined || named.length > 1) {
    const names = config.services.map((s) => s.name)
    const known = `(${file} has: ${names.join(', ')})`
    throw new CliExit(
      EXIT.badInput,
      name === null
        ? `name the service ${known}`
        : `there is no service "${name}" ${known}${suggest(name, names)}`,
    )
  }
  const plan = buildPlan(service, config.hash)
  if (plan !== null) return plan
  throw new CliExit(
    EXIT.badInput,
    `${file}: "${service.name}" has fixed weights, so there are no rules to judge by: give it a rollout, or name another file with -c`,
  )
}
