import type { Comparison, ComparisonVerdict } from '../../src/domain/comparison.ts'
import type { Decision } from '../../src/domain/decision.ts'
import { fakeDecision, fakeMetric } from './fake-deps.ts'

const DAY_MS = 86_400_000

/**
 * The log of a fixed split, newest first, up to `now`: an experiment that ended without a winner, and one whose
 * winner was promoted, taken back, and promoted again. The names of its challengers are `b` and `c`.
 */
export function fakeExperimentLog(service: string, now: number): readonly Decision[] {
  const first = '3.0 vs 3.1-small vs 3.1-large#1'
  const second = '3.1 vs 3.2-small vs 3.2-large#2'
  const common = { service, reason: 'operator', actor: 'ana', metrics: [] } as const
  const split = { phase: 'progressing', step: 0, weights: { baseline: 50, b: 25, c: 25 } } as const
  const whole = { phase: 'promoted', step: 0, weights: { baseline: 0, b: 100, c: 0 } } as const
  const found = [fakeComparison('b', 'better'), fakeComparison('c', 'unknown')]
  const promote: Partial<Decision> = {
    ...{ ...common, rollout: second, action: 'promote', from: split, to: whole },
    summary: 'b (3.2-small) gets all of the traffic',
    experiment: { id: second, startedAt: now - 9 * DAY_MS, comparisons: found },
  }
  return [
    fakeDecision({ ...promote, id: 4, at: now - DAY_MS, note: 'half of the cost' }),
    fakeDecision({
      ...{ ...promote, id: 3, at: now - 2 * DAY_MS, action: 'undo', from: whole, to: split },
      summary: 'b no longer has all of the traffic: back to baseline 50 %, b 25 %, c 25 %',
    }),
    fakeDecision({ ...promote, id: 2, at: now - 3 * DAY_MS, note: null }),
    fakeDecision({
      ...{ ...common, id: 1, at: now - 9 * DAY_MS, action: 'start', rollout: second },
      ...{ reason: 'configuration', actor: 'configuration', from: split, to: split, note: null },
      summary: `${first} has ended: b worse, c not known yet; ${second} begins`,
      experiment: {
        ...{ id: first, startedAt: now - 20 * DAY_MS },
        comparisons: [fakeComparison('b', 'worse'), fakeComparison('c', 'unknown')],
      },
    }),
  ]
}

function fakeComparison(variant: string, verdict: ComparisonVerdict): Comparison {
  return {
    ...{ variant, verdict, expectedShare: 1 / 3, etaSeconds: 600 },
    metrics: [
      {
        report: fakeMetric(),
        verdict,
        superiority: { log: verdict === 'better' ? 4.9 : 1.1, threshold: 3.7 },
      },
      {
        report: fakeMetric({ name: 'no-answer', required: false }),
        verdict: null,
        superiority: null,
      },
    ],
    units: { baseline: 21_870, challenger: 10_911 },
    ratioMismatch: { log: -2, threshold: 6.9 },
  }
}
