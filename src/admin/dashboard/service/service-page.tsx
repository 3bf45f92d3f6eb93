import { kindOfSplit } from '../../../domain/kind-of-split.ts'
import type { MeJson } from '../../identity.ts'
import type { MetricJson } from '../../present-metric.ts'
import type { ServiceJson } from '../../present.ts'
import { formatReplicas } from '../../../rollout/format.ts'
import { ErrorsChart, LatencyChart, RequestsChart, WeightChart } from '../charts/service-charts.tsx'
import type { LiveService } from '../live/use-service.ts'
import { addressOf } from '../live/use-route.ts'
import { useNow } from '../live/use-now.ts'
import { Badge } from '../parts/badge.tsx'
import { downOf } from '../parts/down-of.ts'
import { formatRollout, toneOfPhase } from '../parts/words.ts'
import { Sentence } from '../parts/sentence.tsx'
import { VerbBar } from '../verbs/verb-bar.tsx'
import { ComparisonPanel } from './comparison-panel.tsx'
import { DecisionLog } from './decision-log.tsx'
import { MetricCard } from './metric-card.tsx'
import { MirrorPanel } from './mirror-panel.tsx'
import { PastExperiments } from './past-experiments.tsx'
import { RulesPanel } from './rules-panel.tsx'
import { Standing } from './standing.tsx'
import { StepTrack } from './step-track.tsx'
import { isProved, WatchedTable } from './watched-table.tsx'
import { VariantsTable } from './variants-table.tsx'

/** One service: where it stands and why, its traffic, its evidence, its decisions, and what can be done. */
export function ServicePage({
  live,
  me,
  token,
}: {
  readonly live: LiveService
  readonly me: MeJson
  readonly token: string | null
}) {
  const now = useNow(1000)
  const { service, moments, decisions, link } = live
  if (live.isRemoved || (link.is === 'refused' && link.refusal.status === 404)) {
    return (
      <p class="loading">
        This service is not in the configuration. <a href={addressOf(null)}>All services</a>
      </p>
    )
  }
  if (service === null) return <p class="muted loading">Asking the gateway …</p>
  const replicas = formatReplicas(service.replicas)
  const mirrors = Object.entries(service.mirrors)
  const isDown = downOf(service.variants, service.weights) !== null
  return (
    <div class="service">
      <div class="page-head">
        <div>
          <h1>
            {service.name}{' '}
            <Badge tone={toneOfPhase(service.phase)}>{service.phase ?? kindOfSplit(service)}</Badge>
          </h1>
          <p class="muted facts">
            {service.strategy === 'fixed' ? 'fixed weights' : service.strategy}
            {service.rollout !== null && ` · ${formatRollout(service.rollout)}`}
          </p>
        </div>
        <VerbBar service={service} me={me} token={token} />
      </div>
      {service.notice !== null && (
        <p class={isDown ? 'notice notice-bad' : 'notice'} role={isDown ? 'alert' : undefined}>
          Note: <Sentence text={service.notice} />.
          {service.decider !== null && (
            <>
              {' '}
              <a href={`${service.decider}/${addressOf(service.name)}`}>Its dashboard</a>
            </>
          )}
        </p>
      )}

      <div class="columns">
        <div class="main-column">
          <section class="panel" aria-labelledby="standing-title">
            <h2 id="standing-title">Where it stands</h2>
            {service.step !== null && <StepTrack service={service} token={token} />}
            <Standing service={service} storeAway={live.storeAway} now={now} />
            {replicas !== null && <p class="muted">Evidence {replicas}.</p>}
          </section>

          <section class="panel" aria-labelledby="variants-title">
            <h2 id="variants-title">Variants</h2>
            <VariantsTable service={service} />
            <div class="charts">
              {(service.strategy !== 'fixed' || decisions.length > 0) && (
                <WeightChart
                  service={service}
                  decisions={decisions}
                  isRead={live.log === 'read'}
                  now={live.at}
                />
              )}
              <RequestsChart service={service} moments={moments} />
              <ErrorsChart service={service} moments={moments} />
              <LatencyChart service={service} moments={moments} />
            </div>
          </section>

          <RulesPanel service={service} />

          {service.metrics.length > 0 && (
            <section aria-labelledby="evidence-title">
              <h2 id="evidence-title" class="section-title">
                Evidence
              </h2>
              {service.metrics.filter(isProved).map((metric) => (
                <MetricCard
                  key={metric.name}
                  metric={metric}
                  decided={decidedOf(service, metric.name)}
                  moments={moments}
                />
              ))}
              <WatchedTable metrics={service.metrics.filter((metric) => !isProved(metric))} />
            </section>
          )}
          {service.comparisons.map((comparison) => (
            <ComparisonPanel key={comparison.variant} comparison={comparison} />
          ))}
          {service.strategy === 'fixed' && (
            <PastExperiments
              service={service.name}
              newest={decisions[0]?.id ?? null}
              token={token}
            />
          )}
          {mirrors.map(([variant, mirror]) => (
            <MirrorPanel key={variant} variant={variant} mirror={mirror} now={now} />
          ))}
        </div>
        <DecisionLog
          service={service.name}
          decisions={decisions}
          log={live.log}
          token={token}
          now={now}
        />
      </div>
    </div>
  )
}

/** A metric that ended the attempt, as it was then. */
function decidedOf({ phase, rollout, lastDecision }: ServiceJson, name: string): MetricJson | null {
  if (phase !== 'rolled-back' || lastDecision?.rollout !== rollout) return null
  const metric = lastDecision.metrics.find((each) => each.name === name)
  return metric?.verdict === 'failed' ? metric : null
}
