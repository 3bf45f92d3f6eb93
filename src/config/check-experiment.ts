import { fractionToBp, WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'
import type { Checker } from './checker.ts'
import { toFraction } from './fraction.ts'
import type { ConfigPath } from './problem.ts'
import type { RawMetric } from './schema-metric.ts'

/** Checks the analysis of a service without a rollout: that something is compared, by what can be compared. */
export function checkExperiment(checker: Checker, service: ConfigPath): void {
  const keys = checker.keys(service)
  if (keys.includes('rollout') || !keys.includes('analysis')) return
  const analysis = [...service, 'analysis']
  const weights = [...service, 'split', 'weights']
  if (!isDrawn(checker, service)) return checkShown(checker, service, analysis)
  const shares = checker.read<Readonly<Record<string, string | 0>>>(weights)
  if (shares !== undefined && !isCompared(shares))
    checker.warn(analysis, 'is not used: split.weights leaves nothing to compare with the baseline')
  for (const key of ['breaker', 'minRequests'] as const)
    if (checker.keys(analysis).includes(key))
      checker.warn([...analysis, key], 'is not used without a rollout: nothing is moved by itself')
  for (const name of checker.keys([...analysis, 'metrics']))
    checkMetric(checker, [...analysis, 'metrics', name])
}

/** Whether the requests of a service are shared out by draws, so that something can be judged. */
export function isDrawn(checker: Checker, service: ConfigPath): boolean {
  return (
    checker.keys(service).includes('rollout') ||
    checker.keys([...service, 'split']).includes('weights')
  )
}

/** Where nothing is drawn, labels are all that is shown: beside each rule, of the requests that it matched. */
function checkShown(checker: Checker, service: ConfigPath, analysis: ConfigPath): void {
  if (checker.keys([...service, 'split', 'rules']).length === 0) {
    checker.warn(
      analysis,
      'is not used: the service has neither a rollout nor split.weights, so nothing is drawn',
    )
    return
  }
  for (const name of checker.keys([...analysis, 'metrics'])) {
    const path = [...analysis, 'metrics', name]
    const metric = checker.read<RawMetric>(path)
    if (metric !== undefined && !('labelWindow' in metric))
      checker.warn(
        path,
        'is not used: nothing is drawn, and only metrics of labels are shown by rule',
      )
  }
}

function checkMetric(checker: Checker, path: ConfigPath): void {
  const metric = checker.read<RawMetric>(path)
  if (metric === undefined || metric.kind === 'drift') return
  if (metric.kind === 'prometheus' || metric.kind === 'http')
    checker.problem(
      [...path, 'kind'],
      `found ${metric.kind}: without a rollout variants are compared request by request, which another system's number is not`,
    )
  else if (metric.method === 'threshold')
    checker.problem(
      [...path, 'method'],
      'found threshold: without a rollout variants are compared by evidence alone',
    )
  else
    for (const limit of ['max', 'min'] as const)
      if (Object.hasOwn(metric, limit))
        checker.problem(
          [...path, limit],
          'is an absolute limit: without a rollout variants are compared with the baseline alone (maxIncrease or maxDecrease)',
        )
}

function isCompared(weights: Readonly<Record<string, string | 0>>): boolean {
  const named = Object.entries(weights).filter(([name]) => name !== BASELINE)
  const sumBp = named.reduce((sum, [, weight]) => sum + fractionToBp(toFraction(weight)), 0)
  return sumBp > 0 && sumBp < WHOLE_BP
}
