import type { Config } from '../config/config.ts'
import {
  buildExperimentPlan,
  recordedComparison,
  type ComparisonPlan,
} from '../rollout/experiment-plan.ts'
import { replayComparison, type ComparisonRecord } from '../rollout/replay-comparison.ts'
import {
  buildChallengerReport,
  renderChallengers,
  type ExperimentBacktestReport,
} from './backtest-challenger.ts'
import { createBacktestProgress } from './backtest-progress.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { withClient, writeJson, type ReadOptions } from './command-options.ts'
import { readComparisonRecord } from './read-record.ts'
import { buildStyle } from './render.ts'

/** A file of rules, and what it says. */
type FileRules = { readonly file: string; readonly config: Config }

/** Judges what is kept of an experiment's challengers again, under other rules or their own. */
export async function judgeChallengers(
  io: CliIo,
  service: string,
  challengers: readonly string[],
  rules: FileRules | null,
  options: ReadOptions & { readonly rollout?: string },
): Promise<void> {
  const comparisons = rules === null ? null : comparisonsOf(rules, service, challengers)
  const progress = createBacktestProgress(io)
  const judge = (record: ComparisonRecord, under: ComparisonPlan) => {
    const onJudged = progress.begin('judged')
    return replayComparison(record, under, (done) => onJudged(done, record.cohorts.length))
  }
  const reports = await withClient(io, options, async (client) => {
    const done: ExperimentBacktestReport['challengers'][number][] = []
    for (const variant of challengers) {
      const which = { variant, rollout: options.rollout ?? null }
      const [now, onRead] = [io.clock.now(), progress.begin('read')]
      const { attempt, record } = await readComparisonRecord(client, service, which, now, onRead)
      const recorded = recordedComparison(variant, record.plan)
      const under = comparisons === null ? null : asRecorded(comparisons.get(variant)!, recorded)
      done.push(
        buildChallengerReport(attempt, record.cohorts.length, {
          variant,
          recorded: judge(record, recorded),
          replayed: under === null ? null : judge(record, under),
        }),
      )
    }
    return done
  }).finally(() => progress.clear())
  const report: ExperimentBacktestReport = {
    ...{ service, rules: rules?.file ?? null },
    challengers: reports,
  }
  if (options.output === 'json') return writeJson(io, report)
  const lines = renderChallengers(report, buildStyle(io, io.stdout))
  io.stdout.write(`${lines.join('\n')}\n`)
}

/** The challengers that a configuration compares in a service; empty where there is none. */
export function comparisonsIn(config: Config, name: string): readonly ComparisonPlan[] {
  const service = config.services.find((s) => s.name === name)
  if (service === undefined) return []
  return buildExperimentPlan(service, config.hash)?.comparisons ?? []
}

/** The rules of a file for these challengers. */
function comparisonsOf(
  { file, config }: FileRules,
  name: string,
  challengers: readonly string[],
): ReadonlyMap<string, ComparisonPlan> {
  const comparisons = comparisonsIn(config, name)
  const missing = challengers.find((each) => !comparisons.some((c) => c.variant === each))
  if (missing === undefined) return new Map(comparisons.map((c) => [c.variant, c]))
  const known = comparisons.map((c) => c.variant).join(', ')
  const has =
    known === '' ? 'compares nothing (split.weights and analysis do)' : `compares ${known}`
  throw new CliExit(EXIT.badInput, `${file}: "${name}" does not compare ${missing}: it ${has}`)
}

// Versions, keys and shares are those of the traffic that was recorded.
function asRecorded(rules: ComparisonPlan, { plan, weightBp }: ComparisonPlan): ComparisonPlan {
  const { baselineVersion, canaryVersion, keyed } = plan
  return { ...rules, weightBp, plan: { ...rules.plan, baselineVersion, canaryVersion, keyed } }
}
