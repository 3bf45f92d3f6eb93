import { parseDuration, parsePercent } from '../domain/units.ts'
import { CANARY } from '../domain/variant.ts'
import type { Checker } from './checker.ts'
import { checkEventMetric } from './check-event-metric.ts'
import { isDrawn } from './check-experiment.ts'
import { checkProvider } from './check-provider.ts'
import { checkThreshold } from './check-threshold.ts'
import { DEFAULTS } from './defaults.ts'
import type { ConfigPath } from './problem.ts'
import type { RawMetric } from './schema-metric.ts'

/** Checks the metrics of a service: each has something to be judged by, and data to be judged on. */
export function checkMetrics(checker: Checker, service: ConfigPath): void {
  const metrics = [...service, 'analysis', 'metrics']
  for (const name of checker.keys(metrics)) {
    const path = [...metrics, name]
    const metric = checker.read<RawMetric>(path)
    if (OWN_NAMES.includes(name))
      checker.problem(path, 'found a name that serin uses itself: choose another')
    if (metric?.kind === 'drift') checkThreshold(checker, path, metric)
    if (metric?.kind === 'disagreement') checkDisagreement(checker, service, path, metric)
    const needs = metric === undefined ? undefined : NEEDS[metric.kind]
    if (metric === undefined || needs === undefined) continue
    if (!isOnlyShown(checker, service, metric) && !JUDGES.some((key) => Object.hasOwn(metric, key)))
      checker.problem(path, `has nothing to be judged by: it needs ${needs}`)
    checkFall(checker, path, metric)
    if (metric.kind === 'prometheus' || metric.kind === 'http') checkProvider(checker, path, metric)
    checkThreshold(checker, path, metric)
    if ('labelWindow' in metric) checkPrediction(checker, service, path)
    checkEventMetric(checker, path, metric)
    // What an answer says of itself waits for no record.
    if (!('of' in metric))
      for (const key of ['labelWindow', 'window']) checkWindow(checker, [...path, key])
  }
}

/** Guards that come by themselves. */
const OWN_NAMES: readonly unknown[] = ['no-answer', 'client-error']

/** Whether a metric of labels stands beside rules alone, where nothing is judged. */
function isOnlyShown(checker: Checker, service: ConfigPath, metric: RawMetric): boolean {
  const hasRules = checker.keys([...service, 'split', 'rules']).length > 0
  return 'labelWindow' in metric && hasRules && !isDrawn(checker, service)
}

/** What the kinds that are built can be judged by. */
const NEEDS: Readonly<Record<string, string>> = {
  'error-rate': 'maxIncrease and/or max',
  latency: 'maxIncrease and/or max',
  rmse: 'maxIncrease and/or max',
  mae: 'maxIncrease and/or max',
  'log-loss': 'maxIncrease and/or max',
  accuracy: 'maxDecrease and/or min',
  conversion: 'maxDecrease or maxIncrease, and/or min and max',
  sum: 'maxDecrease or maxIncrease, and/or min and max',
  mean: 'maxDecrease or maxIncrease, and/or min and max',
  ratio: 'maxDecrease or maxIncrease, and/or min and max',
  prometheus: 'max and/or min',
  http: 'max and/or min',
}

function checkDisagreement(
  checker: Checker,
  service: ConfigPath,
  path: ConfigPath,
  metric: Extract<RawMetric, { kind: 'disagreement' }>,
): void {
  checkThreshold(checker, path, metric)
  if (metric.max === undefined) checker.problem(path, 'has nothing to be judged by: it needs max')
  const steps = [...service, 'rollout', 'steps']
  const mirrors = [...service, 'mirror']
  const isStep = checker.keys(steps).some((i) => checker.keys([...steps, i]).includes('mirror'))
  const isStanding = checker
    .keys(mirrors)
    .some((i) => checker.read<string>([...mirrors, i, 'to']) === CANARY)
  if (!isStep && !isStanding)
    checker.problem(
      path,
      'compares answers in pairs, but the canary gets no copies: it needs a step such as { mirror: 100% }, or a mirror to canary',
    )
}

/** What a metric can be judged by. */
const JUDGES = ['maxIncrease', 'maxDecrease', 'max', 'min']

// Of what is never below 0 no fall is larger than 100 %: nothing could be shown.
function checkFall(checker: Checker, path: ConfigPath, metric: RawMetric): void {
  if (!('maxDecrease' in metric)) return
  for (const key of ['maxDecrease', 'sensitivity'] as const) {
    const value = (metric as Record<string, unknown>)[key]
    if (typeof value !== 'string' || (parsePercent(value) ?? 0) < 1) continue
    checker.problem([...path, key], `found ${value}, allowed is a fall of less than 100%`)
  }
}

function checkPrediction(checker: Checker, service: ConfigPath, path: ConfigPath): void {
  if (!checker.keys([...service, 'observe']).includes('prediction'))
    checker.problem(
      path,
      'compares labels with predictions, but nothing says where those are: name observe.prediction',
    )
}

function checkWindow(checker: Checker, path: ConfigPath): void {
  const window = checker.read<string>(path)
  const retention =
    checker.read<string | 0>(['feedback', 'retention']) ?? DEFAULTS.feedback.retention
  if (window === undefined || parseDuration(window)! <= parseDuration(String(retention))!) return
  checker.problem(path, `found ${window}, allowed is at most feedback.retention (${retention})`)
}
