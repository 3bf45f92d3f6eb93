import { deepStrictEqual } from 'node:assert/strict'
import t from 'tap'
import type { EventEvidence } from '../../src/domain/evidence.ts'
import { decodeEvidence, encodeEvidence } from '../../src/store/evidence-codec.ts'
import { encodeRecord } from '../../src/store/record-codec.ts'
import { emptyEvidence } from '../../src/statistics/empty-evidence.ts'
import { plan } from '../fakes/rollout.ts'
import { sampleEvidence } from './samples.ts'

const stratum = (pi: number, baseline = 3) => ({ pi, baseline, canary: 0, trials: 2 ** 53 - 1 })

const EVENTS: EventEvidence = {
  kind: 'event',
  foldedThrough: 17_953_172_731,
  step: 2,
  harm: [[stratum(0.05), stratum(0.2, -0)], [], [stratum(1e-9)]],
  proof: [stratum(0.05), stratum(0.2)],
  stepProof: [],
  trials: [70, 0],
  events: [1, 0.5],
  stepTrials: [-0, 5e-324],
  stepEvents: [0, 0],
  sup: { harm: Infinity, proof: -0, stepProof: Number.NaN },
}

const CALM = { proof: [stratum(0.05, -0), stratum(0.2)], stepProof: [stratum(0.2)] }

// tap's comparison does not tell -0 from 0.
const returns = (evidence: Parameters<typeof encodeEvidence>[0]) =>
  deepStrictEqual(decodeEvidence(encodeEvidence(evidence)), evidence)

t.test('counted events come back to the bit, beside evidence of other kinds', (t) => {
  const wealth = { harm: [[0.1, -0]], proof: [1], stepProof: [] }
  const moments = { n: [1, 2], sum: [0.1, 0], sumSq: [0, 0] } as const
  const bets = {
    kind: 'bet',
    ...{ foldedThrough: -1, step: -1, strata: [], ...wealth },
    stepMoments: { n: [...moments.n], sum: [...moments.sum], sumSq: [...moments.sumSq] },
    sup: { harm: 0, proof: 0, stepProof: 0 },
  } as const
  returns(
    sampleEvidence({
      hypotheses: {
        errors: EVENTS,
        'rmse/label-missing': { ...EVENTS, unscored: [4, -0] },
        latency: { ...EVENTS, calm: { proof: [stratum(0.05, -0)], stepProof: [] } },
        p99: { ...EVENTS, calm: { ...CALM, baseline: [8, -0], isWhole: false } },
        'rmse/above-cap': {
          ...EVENTS,
          calm: {
            ...{ ...CALM, baseline: [8, 3], isWhole: true },
            doubted: { scores: [0.5, -0], outageUnits: 7, baseline: [4, 2], ...CALM },
          },
        },
        p50: {
          ...EVENTS,
          calm: {
            ...{ ...CALM, baseline: [8, 3], isWhole: false },
            doubted: { scores: [0.5, 1], outageUnits: null, baseline: [0, 0], ...CALM },
          },
        },
        rmse: bets as never,
      },
    }),
  )
  returns(emptyEvidence('1.4->2.0#1', plan().hypotheses, 7))
  t.end()
})

t.test('what older versions wrote is read as it is', (t) => {
  const evidence = sampleEvidence({ hypotheses: { errors: EVENTS } })
  deepStrictEqual(decodeEvidence(encodeRecord(evidence)), evidence)
  const empty = emptyEvidence('1.4->2.0#1', plan().hypotheses, 7)
  t.ok(encodeEvidence(empty).length < 0.8 * encodeRecord(empty).length, 'which took more room')
  t.end()
})
