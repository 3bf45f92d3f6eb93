import type { Answer, ProviderReading } from '../domain/measurement.ts'
import type { ProviderMetricSpec } from '../domain/rollout-spec.ts'
import { readProviderAnswer } from './provider-answer.ts'
import type { FetchProvider } from './provider-fetcher.ts'
import { buildProviderRequest, namesVariant, type AskedVariant } from './provider-request.ts'

/** A reading that has come, of the metric as it was when it was asked for. */
export type Arrived = { readonly metric: ProviderMetricSpec; readonly reading: ProviderReading }

/**
 * Asks other systems for metrics, beside the requests and the looks of the evaluator: one question per
 * metric is under way at most, and answers are taken with the next look.
 */
export class ProviderPoller {
  readonly #fetch: FetchProvider
  readonly #underWay = new Set<string>()
  #arrived: Arrived[] = []

  constructor(fetch: FetchProvider) {
    this.#fetch = fetch
  }

  /** Whether an answer is still waited for. */
  isAsking(metric: string): boolean {
    return this.#underWay.has(metric)
  }

  /** Asks about the canary and, where the question names the variant, about the baseline; null = not about it. */
  ask(
    metric: ProviderMetricSpec,
    about: { readonly canary: AskedVariant; readonly baseline: AskedVariant | null },
    at: number,
  ): void {
    this.#underWay.add(metric.name)
    const baseline = namesVariant(metric) ? about.baseline : null
    void Promise.all([
      this.#answer(metric, about.canary),
      baseline === null ? null : this.#answer(metric, baseline),
    ]).then(([canary, other]) => {
      this.#underWay.delete(metric.name)
      this.#arrived.push({ metric, reading: { at, canary, baseline: other } })
    })
  }

  /** What has come since it was taken last. */
  take(): readonly Arrived[] {
    const arrived = this.#arrived
    // At most looks there is nothing.
    if (arrived.length > 0) this.#arrived = []
    return arrived
  }

  async #answer(metric: ProviderMetricSpec, asked: AskedVariant): Promise<Answer> {
    try {
      const response = await this.#fetch(buildProviderRequest(metric, asked))
      return readProviderAnswer(metric, response)
    } catch (error) {
      return { error: (error as Error).message }
    }
  }
}
