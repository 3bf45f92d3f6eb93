import type { Checker } from './checker.ts'
import type { ConfigPath } from './problem.ts'
import type { RawMetric } from './schema-metric.ts'

/** Checks that a drift of predictions has predictions to read. */
export function checkDrift(checker: Checker, service: ConfigPath): void {
  const metrics = [...service, 'analysis', 'metrics']
  const hasPrediction = checker.keys([...service, 'observe']).includes('prediction')
  for (const name of checker.keys(metrics)) {
    const metric = checker.read<RawMetric>([...metrics, name])
    if (metric?.kind !== 'drift' || metric.of !== 'prediction' || hasPrediction) continue
    checker.problem(
      [...metrics, name, 'of'],
      'found prediction, but nothing says where predictions are: name observe.prediction',
    )
  }
}
