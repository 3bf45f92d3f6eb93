import t from 'tap'
import { buildSplit } from '../../src/routing/split.ts'
import { completeWeights } from '../../src/routing/weights.ts'
import { buildService } from './build-service.ts'

t.test('the baseline gets what the weights leave', (t) => {
  const service = buildService({ variants: ['baseline', 'canary', 'spare'] })
  t.strictSame(completeWeights(service, { canary: 500 }), { baseline: 9500, canary: 500, spare: 0 })
  t.strictSame(completeWeights(service, {}), { baseline: 10_000, canary: 0, spare: 0 })
  t.strictSame(completeWeights(service, { spare: 4000, canary: 6000 }), {
    baseline: 0,
    canary: 6000,
    spare: 4000,
  })
  t.strictSame(Object.keys(completeWeights(service, { spare: 1 })), ['baseline', 'canary', 'spare'])
  t.end()
})

t.test('weights that do not fit the service are refused with the reason', (t) => {
  const service = buildService({ variants: ['baseline', 'canary', 'spare'] })
  const refused = (weightsBp: Record<string, number>, message: string) =>
    t.throws(() => completeWeights(service, weightsBp), { name: 'RangeError', message })
  refused(
    { canari: 1 },
    "service credit-risk: weight of 'canari': no such variant (known: canary, spare)",
  )
  refused(
    { baseline: 9500, canary: 500 },
    "service credit-risk: weight of 'baseline': the baseline has the rest",
  )
  for (const weightBp of [-1, 0.5, 10_001, Number.NaN]) {
    refused(
      { canary: weightBp },
      `service credit-risk: weight of 'canary' is ${weightBp}: a whole number of basis points from 0 to 10000 is needed`,
    )
  }
  refused(
    { canary: 6000, spare: 4001 },
    'service credit-risk: weights sum to 10001 basis points: at most 10000 are left',
  )
  t.throws(() => completeWeights(buildService({ variants: ['baseline'] }), { canary: 1 }), {
    message: "service credit-risk: weight of 'canary': no such variant (only the baseline exists)",
  })
  t.end()
})

t.test('a variant may be called like a property that every object has', (t) => {
  const service = buildService({ variants: ['baseline', 'constructor', '__proto__'] })
  t.strictSame(Object.entries(completeWeights(service, { constructor: 100 })), [
    ['baseline', 9900],
    ['constructor', 100],
    ['__proto__', 0],
  ])
  t.end()
})

t.test('a split knows the weight of every variant and tosses only those above 0', (t) => {
  const service = buildService({ variants: ['baseline', 'canary', 'spare'] })
  const split = buildSplit(service, { canary: 500 }, 'credit-risk')
  t.strictSame(split.weightsBp, { baseline: 9500, canary: 500, spare: 0 })
  t.strictSame(
    split.toss.coin.map(({ name }) => name),
    ['baseline', 'canary'],
  )
  t.strictSame([...split.names.keys()], ['baseline', 'canary', 'spare'])
  t.end()
})

t.test('a canary at weight 0 is suppressed only while its service has a rollout', (t) => {
  const fixed = buildService()
  const moving = buildService({ hasRollout: true })
  t.equal(buildSplit(fixed, {}, 's').suppressCanary, false)
  t.equal(buildSplit(moving, {}, 's').suppressCanary, true)
  t.equal(buildSplit(moving, { canary: 1 }, 's').suppressCanary, false)
  t.end()
})

t.test('a rule whose target the service does not have is refused', (t) => {
  const ruleTo = (variant: string) =>
    buildService({ split: { rules: [{ when: [], then: { variant } }] } })
  t.throws(() => buildSplit(ruleTo('gold'), {}, 's'), {
    name: 'RangeError',
    message: "service credit-risk: rule 0 names 'gold': no such variant (known: baseline, canary)",
  })
  t.doesNotThrow(() => buildSplit(ruleTo('baseline'), {}, 's'))
  const weighted = buildService({
    split: { rules: [{ when: [], then: { weightsBp: { gold: 5000 } } }] },
  })
  t.throws(() => buildSplit(weighted, {}, 's'), { message: /weight of 'gold': no such variant/ })
  t.end()
})
