import type { FetchProvider } from '../../src/evaluator/provider-fetcher.ts'
import type { MeasurementRun } from '../../src/domain/measurement.ts'
import type { ProviderMetricSpec, ThresholdSpec } from '../../src/domain/rollout-spec.ts'
import type { Verdict } from '../../src/domain/verdict.ts'
import { addMeasurement } from '../../src/rollout/measurements.ts'

/** What a threshold is counted by where the configuration says nothing; `change` replaces parts of it. */
export function terms(change: Partial<ThresholdSpec> = {}): ThresholdSpec {
  return {
    intervalMs: 1000,
    count: null,
    failureLimit: 0,
    inconclusiveLimit: 0,
    consecutiveErrorLimit: 4,
    consecutiveSuccessLimit: null,
    ...change,
  }
}

/** The run of the step that was entered at `since`, after measurements with these verdicts. */
export function run(verdicts: readonly Verdict[], since = 0): MeasurementRun | undefined {
  return verdicts.reduce<MeasurementRun | undefined>(
    (before, verdict, i) =>
      addMeasurement(before, since, {
        at: since + i,
        verdict,
        baseline: { value: 1, n: 1 },
        canary: { value: 2, n: 1 },
        error: verdict === 'error' ? 'canary: answered 503' : null,
      }),
    undefined,
  )
}

/** A gauge of each variant that may be at most 0.9. */
export const GPU: Extract<ProviderMetricSpec, { kind: 'prometheus' }> = {
  name: 'gpu',
  kind: 'prometheus',
  mode: 'decide',
  onFailure: 'rollback',
  better: 'lower',
  maxChange: null,
  sensitivity: 0,
  max: 0.9,
  min: null,
  url: 'http://prom:9090',
  query: 'avg(gpu{version="{{version}}"})',
  secret: null,
  headers: {},
  intervalMs: 1000,
}

/** A score of the canary alone that must be at least 0.5. */
export const SCORE: Extract<ProviderMetricSpec, { kind: 'http' }> = {
  name: 'score',
  kind: 'http',
  mode: 'decide',
  onFailure: 'rollback',
  better: 'higher',
  maxChange: null,
  sensitivity: 0,
  max: null,
  min: 0.5,
  url: 'http://scores/now',
  pointer: '/score',
  secret: 'top-secret',
  headers: {},
  intervalMs: 1000,
}

/** A Prometheus that says 0.1 of the baseline, and `value` of version 2.0; `down`: it is away. */
export function gaugeOfCanary(value: () => string): FetchProvider {
  return ({ url }) => {
    const isCanary = new URL(url).searchParams.get('query')!.includes('2.0')
    const text = isCanary ? value() : '0.1'
    if (text === 'down') return Promise.reject(new Error('refused the connection'))
    const data = { resultType: 'vector', result: [{ metric: {}, value: [1, text] }] }
    return Promise.resolve({ status: 200, body: JSON.stringify({ status: 'success', data }) })
  }
}
