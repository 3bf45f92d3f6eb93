import type { Registry } from 'prom-client'
import { PHASES } from '../domain/decision.ts'
import { WHOLE_BP } from '../domain/units.ts'
import type { LogEvidence, Verdict } from '../domain/verdict.ts'
import type { RolloutView } from '../rollout/view.ts'
import { collectGauge } from './collect.ts'
import { registerComparisons } from './register-comparisons.ts'
import type { ReadServices } from './service-reading.ts'

const VERDICTS: readonly Verdict[] = ['successful', 'failed', 'inconclusive', 'error']

/** Registers where the rollouts stand, and what the evidence says. */
export function registerRollouts(registry: Registry, services: ReadServices): void {
  registerComparisons(registry, services)
  collectGauge(registry, {
    name: 'serin_variant_weight',
    help: "A variant's share of the randomised requests, 0 to 1.",
    aggregator: 'first',
    labelNames: ['service', 'variant'],
    read: function* () {
      for (const { book, weightsBp } of services()) {
        for (const [variant, bp] of Object.entries(weightsBp)) {
          yield [{ service: book.service.name, variant }, bp / WHOLE_BP]
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_rollout_phase',
    help: 'The phase of a rollout: 1 for the one that it is in.',
    aggregator: 'first',
    labelNames: ['service', 'phase'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) {
        for (const phase of PHASES) yield [{ service, phase }, view.state.phase === phase ? 1 : 0]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_rollout_step',
    help: 'Index of the current step, from 0: the first step is 0 here and in the API, and step 1 in serin status.',
    aggregator: 'first',
    labelNames: ['service'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) yield [{ service }, view.state.step]
    },
  })
  collectGauge(registry, {
    name: 'serin_rollout_step_entered_timestamp_seconds',
    help: 'When the current step was entered, in seconds since the epoch.',
    aggregator: 'first',
    labelNames: ['service'],
    read: function* () {
      for (const [service, { state }] of viewsOf(services)) {
        yield [{ service }, state.stepEnteredAt / 1000]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_rollout_hold',
    help: 'The last reason for which the present step was held: 1; absent where there was none.',
    aggregator: 'first',
    labelNames: ['service', 'reason'],
    read: function* () {
      for (const [service, { state }] of viewsOf(services)) {
        if (state.holdReason !== null) yield [{ service, reason: state.holdReason }, 1]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_rollout_pause',
    help: 'Why a rollout is paused: 1; metric is the one that paused it, empty where none did. Absent while it is not paused.',
    aggregator: 'first',
    labelNames: ['service', 'by', 'metric'],
    read: function* () {
      for (const [service, { state }] of viewsOf(services)) {
        if (state.phase !== 'paused') continue
        yield [{ service, by: state.pausedBy, metric: state.pausedMetric ?? '' }, 1]
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_metric_value',
    help: 'What a metric reads, in its unit.',
    aggregator: 'first',
    labelNames: ['service', 'metric', 'variant'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) {
        for (const { name, baseline, canary } of view.metrics) {
          if (baseline.value !== null) {
            yield [{ service, metric: name, variant: 'baseline' }, baseline.value]
          }
          if (canary.value !== null) {
            yield [{ service, metric: name, variant: 'canary' }, canary.value]
          }
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_metric_log_evidence',
    help: 'Natural logarithm of the evidence for harm, and for being no worse.',
    aggregator: 'first',
    labelNames: ['service', 'metric', 'direction'],
    read: function* () {
      for (const [labels, { log }] of evidenceOf(services)) yield [labels, log]
    },
  })
  collectGauge(registry, {
    name: 'serin_metric_log_evidence_threshold',
    help: 'From here on the evidence of the same labels decides.',
    aggregator: 'first',
    labelNames: ['service', 'metric', 'direction'],
    read: function* () {
      for (const [labels, { threshold }] of evidenceOf(services)) yield [labels, threshold]
    },
  })
  collectGauge(registry, {
    name: 'serin_drift_psi',
    help: 'How far a watched distribution has shifted: population stability index, corrected for its bias.',
    aggregator: 'first',
    labelNames: ['service', 'metric'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) {
        for (const { name, drift = null } of view.metrics) {
          if (drift !== null) yield [{ service, metric: name }, drift.psi]
        }
      }
    },
  })
  collectGauge(registry, {
    name: 'serin_metric_verdict',
    help: 'The verdict on a metric: 1 for the one that stands.',
    aggregator: 'first',
    labelNames: ['service', 'metric', 'verdict'],
    read: function* () {
      for (const [service, view] of viewsOf(services)) {
        for (const { name, verdict } of view.metrics) {
          for (const each of VERDICTS) {
            yield [{ service, metric: name, verdict: each }, verdict === each ? 1 : 0]
          }
        }
      }
    },
  })
}

function* evidenceOf(
  services: ReadServices,
): Iterable<readonly [Readonly<Record<string, string>>, LogEvidence]> {
  for (const [service, view] of viewsOf(services)) {
    for (const { name, evidence } of view.metrics) {
      const { harm, nonInferiority } = evidence
      // Of a metric that has a limit alone no harm is asked.
      if (harm !== null && Number.isFinite(harm.threshold)) {
        yield [{ service, metric: name, direction: 'harm' }, harm]
      }
      if (nonInferiority !== null) {
        yield [{ service, metric: name, direction: 'non-inferiority' }, nonInferiority]
      }
    }
  }
}

function* viewsOf(services: ReadServices): Iterable<readonly [string, RolloutView]> {
  for (const { book, view } of services()) {
    if (view !== null) yield [book.service.name, view]
  }
}
