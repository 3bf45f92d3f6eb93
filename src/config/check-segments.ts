import type { Checker } from './checker.ts'
import { describeValue } from './describe-value.ts'
import type { ConfigPath } from './problem.ts'
import type { RawMetric } from './schema-metric.ts'
import type { RawSegment } from './schema-split.ts'

/** Checks the segments of a service: that they can be told apart, and that metrics ask for some that are there. */
export function checkSegments(checker: Checker, service: ConfigPath): void {
  const path = [...service, 'observe', 'segment']
  const isNamed = checker.keys([...service, 'observe']).includes('segment')
  const segment = checker.read<RawSegment>(path)
  if (segment !== undefined) checkSegment(checker, path, segment)
  const metrics = [...service, 'analysis', 'metrics']
  let isUsed = false
  for (const name of checker.keys(metrics)) {
    const metric = checker.read<RawMetric>([...metrics, name])
    if (metric?.segments !== true) continue
    isUsed = true
    checkMetric(checker, [...metrics, name, 'segments'], metric, isNamed)
  }
  if (isNamed && !isUsed) checker.warn(path, 'is not used: no metric has segments: true')
}

function checkSegment(checker: Checker, path: ConfigPath, { from, values }: RawSegment): void {
  if (from === 'ip')
    checker.problem(
      [...path, 'from'],
      'found "ip": allowed are header:NAME, cookie:NAME, query:NAME and body:/json/pointer',
    )
  if (values.length === 0)
    checker.problem([...path, 'values'], 'is empty: name at least one segment')
  for (const [i, value] of values.entries())
    if (values.indexOf(value) < i)
      checker.problem([...path, 'values', i], `found ${describeValue(value, path)} twice`)
}

function checkMetric(
  checker: Checker,
  path: ConfigPath,
  metric: RawMetric,
  isNamed: boolean,
): void {
  if (!isNamed)
    checker.problem(
      path,
      'found true, but nothing says what the segments are: name observe.segment',
    )
  if (metric.method === 'threshold' || metric.kind === 'prometheus' || metric.kind === 'http')
    checker.problem(
      path,
      'found true, but what is counted or asked for elsewhere is about all requests together: leave it out',
    )
  else if (metric.kind !== 'drift' && !COMPARES.some((key) => Object.hasOwn(metric, key)))
    checker.problem(
      path,
      'found true, but absolute limits hold for all requests together: it needs maxIncrease or maxDecrease',
    )
}

const COMPARES = ['maxIncrease', 'maxDecrease']
