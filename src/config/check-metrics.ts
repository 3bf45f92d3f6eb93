import { parseDuration } from '../domain/units.ts'
import { CANARY } from '../domain/variant.ts'
import type { Checker } from './checker.ts'
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
    if (name === 'no-answer')
      checker.problem(path, 'found a name that serin uses itself: choose another')
    if (metric?.kind === 'drift') checkThreshold(checker, path, metric)
    if (metric?.kind === 'disagreement') checkDisagreement(checker, service, path, metric)
    if (metric === undefined || !BUILT.includes(metric.kind)) continue
    if (!JUDGES.some((key) => Object.hasOwn(metric, key)))
      checker.problem(path, `has nothing to be judged by: it needs ${judgesOf(metric.kind)}`)
    if (metric.kind === 'prometheus' || metric.kind === 'http') checkProvider(checker, path, metric)
    checkThreshold(checker, path, metric)
    if ('labelWindow' in metric) checkLabels(checker, service, path, metric)
  }
}

const BUILT: readonly string[] = [
  ...['error-rate', 'latency', 'rmse', 'mae', 'log-loss', 'accuracy'],
  ...['prometheus', 'http'],
]

function judgesOf(kind: RawMetric['kind']): string {
  if (kind === 'accuracy') return 'maxDecrease and/or min'
  return kind === 'prometheus' || kind === 'http' ? 'max and/or min' : 'maxIncrease and/or max'
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

function checkLabels(
  checker: Checker,
  service: ConfigPath,
  path: ConfigPath,
  metric: Extract<RawMetric, { labelWindow: string }>,
): void {
  if (!checker.keys([...service, 'observe']).includes('prediction'))
    checker.problem(
      path,
      'compares labels with predictions, but nothing says where those are: name observe.prediction',
    )
  const retention =
    checker.read<string | 0>(['feedback', 'retention']) ?? DEFAULTS.feedback.retention
  if (parseDuration(metric.labelWindow)! > parseDuration(String(retention))!)
    checker.problem(
      [...path, 'labelWindow'],
      `found ${metric.labelWindow}, allowed is at most feedback.retention (${retention})`,
    )
}
