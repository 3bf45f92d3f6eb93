import type { ServiceStatus } from '../../../src/admin/service-status.ts'
import type { Comparison } from '../../../src/domain/comparison.ts'
import type { RuleSpec } from '../../../src/domain/service.ts'
import { fakeMetric, fakeMirror, fakeStatus } from '../../admin/fake-deps.ts'

/** A fixed split whose requests are copied to a shadow that disagrees now and then. */
export function shadowed(now: number): ServiceStatus {
  const base = fakeStatus(null, 'translator')
  const pair = (i: number, live: number, mirror: number) => ({
    at: now - 9000 + i * 2000,
    requestId: `9f2c-${4810 + i * 37}`,
    answeredBy: 'baseline',
    result: 'value' as const,
    ...{ live, mirror, liveMs: 7.1 + i, mirrorMs: 9.4 + i },
  })
  return {
    ...base,
    weightsBp: { baseline: 10_000, canary: 0 },
    mirrors: {
      canary: fakeMirror({
        lastOkAt: now - 3000,
        lastDisagreed: [pair(0, 0.42, 0.57), pair(1, 0.91, 0.88), pair(2, 0.13, 0.31)],
      }),
    },
  }
}

/** Two challengers of a fixed split: one is better, of the other too little is known. */
export function experimented(): ServiceStatus {
  const base = fakeStatus(null, 'checkout-offer')
  const [baseline] = base.service.variants
  const figures = base.variants['baseline']!
  return {
    ...base,
    replicas: { contributing: 2, differing: ['west:7:1c'] },
    service: {
      ...base.service,
      variants: [
        baseline!,
        { ...baseline!, name: 'b', version: '3.2-small' },
        { ...baseline!, name: 'c', version: '3.2-large' },
      ],
      split: { ...base.service.split, weightsBp: { b: 2500, c: 2500 } },
    },
    weightsBp: { baseline: 5000, b: 2500, c: 2500 },
    variants: {
      baseline: figures,
      b: { ...figures, requests: 10_911 },
      c: { ...figures, requests: 10_874 },
    },
    experiment: {
      id: '3.1 vs 3.2-small, 3.2-large#1',
      state: { revision: 3 } as never,
      winner: null,
      comparisons: [comparison('b', 'better', 4.9), comparison('c', 'unknown', 1.1)],
      lastDecision: null,
    },
  }
}

/** A key split: platinum stays on the old model, gold has the new one, one country a coin of its own. */
export function ruled(): ServiceStatus {
  const base = fakeStatus(null, 'pricing')
  const tier = { from: 'body', pointer: '/tier' } as const
  const country = { from: 'header', name: 'x-country' } as const
  const rules: readonly RuleSpec[] = [
    { when: [{ field: tier, test: 'in', values: ['platinum'] }], then: { variant: 'baseline' } },
    { when: [{ field: tier, test: 'in', values: ['gold'] }], then: { variant: 'canary' } },
    {
      when: [{ field: country, test: 'in', values: ['NZ'] }],
      then: { weightsBp: { canary: 2500 } },
    },
  ]
  const figures = (requests: number, rmse: number | null) => ({
    ...{ requests, errors: 3, p50Ms: 12, p95Ms: 41, p99Ms: 66 },
    metrics: rmse === null ? {} : { rmse: { value: rmse, n: 900 } },
  })
  return {
    ...base,
    service: { ...base.service, split: { ...base.service.split, rules } },
    rules: [
      { rule: 'body:/tier = platinum', variants: { baseline: figures(4120, 4.02) } },
      { rule: 'body:/tier = gold', variants: {} },
      {
        rule: 'header:x-country = NZ',
        variants: { baseline: figures(300, null), canary: figures(100, 3.5) },
      },
      { rule: null, variants: { baseline: figures(21_000, 3.9) } },
    ],
  }
}

function comparison(variant: string, verdict: Comparison['verdict'], log: number): Comparison {
  return {
    variant,
    verdict,
    metrics: [
      {
        report: fakeMetric({
          name: 'errors',
          kind: 'error-rate',
          baseline: { value: 0.012, n: 21_870 },
          canary: { value: 0.008, n: 10_911 },
        }),
        verdict,
        superiority: { log, threshold: 3.7 },
      },
    ],
    units: { baseline: 21_870, challenger: 10_911 },
    expectedShare: 1 / 3,
    ratioMismatch: { log: -2, threshold: 6.9 },
    etaSeconds: verdict === 'unknown' ? 5400 : null,
  }
}
