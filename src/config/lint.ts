import { shownMetricsOf, type Service } from '../domain/service.ts'
import type { MetricSpec, RolloutSpec } from '../domain/rollout-spec.ts'
import { effectOf } from '../rollout/hypotheses.ts'
import type { Config } from './config.ts'
import { lintExperiment } from './lint-experiment.ts'
import { lintLimits } from './lint-limits.ts'
import { lintMirror } from './lint-mirror.ts'
import { lintReach } from './lint-reach.ts'
import { lintRules } from './lint-rules.ts'
import { lintSlowness } from './lint-slowness.ts'
import { lintStrategy } from './lint-strategy.ts'
import { lintTraffic, type KnownTraffic } from './lint-traffic.ts'
import { lintUpkeep } from './lint-upkeep.ts'
import { lintOwnAddress, lintUpstreams } from './lint-upstreams.ts'
import { lintWatch } from './lint-watch.ts'
import type { ConfigPath, Finding } from './problem.ts'

/**
 * Common mistakes in a valid configuration. Whether a rollout can be decided in time shows only at a
 * traffic: `rps` in requests (new keys) per second; null = not known, and more than a service has is taken.
 */
export function lintConfig(
  config: Config,
  rps: number | null = null,
  known: KnownTraffic = {},
): readonly Finding[] {
  const ofServices = config.services.flatMap((service) => [
    ...lintUpstreams(service),
    ...lintOwnAddress(service, config.gateway.listen),
    ...lintRules(service),
    ...lintNotify(service),
    ...lintLabels(service),
    ...lintQueues(service),
    ...lintWorkers(service, config.gateway.workers),
    ...lintExperiment(service),
    ...(service.rollout === null ? [] : lintRollout(service, service.rollout)),
    ...(service.rollout === null ? [] : lintSlowness(service, service.rollout)),
    ...(service.rollout === null ? [] : lintStrategy(service, service.rollout)),
    ...(service.rollout === null ? [] : lintMirror(service, service.rollout)),
    ...(service.rollout === null ? [] : lintWatch(service, service.rollout)),
    ...(service.rollout === null ? [] : lintReach(service, service.rollout)),
    ...lintLimits(service),
    ...lintTraffic(service, rps, known),
  ])
  return [...lintUpkeep(config), ...ofServices]
}

/** There is one prediction, and one label of it: not both a class and a probability. */
function lintLabels(service: Service): readonly Finding[] {
  const metrics = shownMetricsOf(service)
  const loss = metrics.find(({ kind }) => kind === 'log-loss')
  if (loss === undefined) return []
  return metrics
    .filter(({ kind }) => kind === 'accuracy')
    .map(({ name }) => ({
      path: ['services', service.name, 'analysis', 'metrics', name],
      message: `compares classes, and ${loss.name} (log-loss) needs a probability: the one number at observe.prediction can hardly be both`,
    }))
}

const SHORTEST_SECRET = 16

function lintNotify({ name, notify }: Service): readonly Finding[] {
  return notify.flatMap(({ secret }, i) =>
    secret === null ? [] : lintSecret(secret, ['services', name, 'notify', i, 'secret']),
  )
}

function lintQueues({ name, variants }: Service): readonly Finding[] {
  return variants
    .filter(({ queue, maxInFlight }) => queue !== null && maxInFlight === null)
    .map((variant) => ({
      path: ['services', name, 'variants', variant.name, 'queue'],
      message: 'nobody ever waits in it: without maxInFlight every request is let in at once',
    }))
}

function lintWorkers(
  { name, variants }: Service,
  workers: Config['gateway']['workers'],
): readonly Finding[] {
  if (workers === 1) return []
  return variants.flatMap((variant) => {
    const { maxInFlight } = variant
    if (maxInFlight === null) return []
    const sum = workers === 'auto' ? '' : `: ${maxInFlight * workers} at once in all`
    const message = `each of the workers (gateway.workers: ${workers}) lets in so many by itself${sum}`
    return [{ path: ['services', name, 'variants', variant.name, 'maxInFlight'], message }]
  })
}

function lintSecret(secret: string, path: ConfigPath): readonly Finding[] {
  if (secret.length >= SHORTEST_SECRET) return []
  return [{ path, message: `is short: at least ${SHORTEST_SECRET} characters are hard to guess` }]
}

function lintRollout(service: Service, rollout: RolloutSpec): readonly Finding[] {
  const findings: Finding[] = []
  const at = ['services', service.name]
  const { metrics } = rollout.analysis
  // What only warns decides nothing.
  const deciding = metrics.filter((metric) => effectOf(metric) !== 'warn')

  if (!deciding.some((metric) => metric.onFailure === 'rollback'))
    findings.push({
      path: [...at, 'rollout'],
      message:
        'nothing rolls the canary back but the breaker: no metric has mode decide and onFailure rollback',
    })
  if (deciding.length > 0 && deciding.every(isTechnical))
    findings.push({
      path: [...at, 'analysis', 'metrics'],
      message:
        'only technical metrics decide: a model that answers fast and wrong would be promoted; add a quality metric such as rmse',
    })
  const isStepwise = rollout.strategy === 'canary'
  if (
    isStepwise &&
    deciding.some((metric) => metric.threshold !== undefined) &&
    !deciding.some(isProved)
  )
    findings.push({
      path: [...at, 'analysis', 'metrics'],
      message:
        'only thresholds decide: nothing is proved before 100 %, and how often an equal canary is rolled back is not bounded; let a metric be judged by method: sequential',
    })
  if (service.split.key?.from === 'ip')
    findings.push({
      path: [...at, 'split', 'key'],
      message:
        'assignment by ip: clients behind one proxy or NAT count as one unit, and those that move count as several',
    })
  return findings
}

function isProved(metric: MetricSpec): boolean {
  return metric.threshold === undefined && metric.maxChange !== null && metric.onFailure !== 'warn'
}

function isTechnical(metric: MetricSpec): boolean {
  return metric.kind === 'error-rate' || metric.kind === 'latency'
}
