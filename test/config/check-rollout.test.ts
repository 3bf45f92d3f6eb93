import t from 'tap'
import { checkCases, file, problemsOf, warningsOf } from './problems-of.ts'

t.test('a rollout moves a canary, and nothing else moves the weights', (t) => {
  const rollout = '    rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }'
  t.same(problemsOf(file({ service: rollout })), [])
  t.match(problemsOf(file({ service: rollout }).replace('canary:', 'other:')), [
    /services.m.rollout: moves the variant `canary`, but variants has none of that name/,
  ])
  t.match(problemsOf(file({ service: `${rollout}\n    split: { weights: { canary: 5% } }` })), [
    /split.weights: found together with rollout, which moves the weights by itself/,
  ])
  t.end()
})

t.test('steps begin with a weight, rise and end at 100 %', (t) => {
  const none = 'rollout.steps: found no weight below 100%: at least one must come before it'
  checkCases(
    t,
    [
      ['{ weight: 5% }, { pause: {} }, { weight: 20% }, { pause: 10m }, { weight: 100% }'],
      ['{ weight: 100% }', none],
      [
        '{ weight: 5% }, { weight: 50% }',
        'rollout.steps[1]: is the last step, which must be { weight: 100% }',
      ],
      [
        '{ weight: 5% }, { weight: 100% }, { pause: {} }',
        'rollout.steps[2]: is the last step, which must be { weight: 100% }',
      ],
      [
        '{ weight: 20% }, { weight: 5% }, { weight: 100% }',
        'rollout.steps[1].weight: found 5% after 20%: weights must rise from step to step',
      ],
      [
        '{ weight: 20% }, { weight: 20% }, { weight: 100% }',
        'rollout.steps[1].weight: found 20% after 20%: weights must rise from step to step',
      ],
      [
        '{ weight: 0% }, { weight: 5% }, { weight: 100% }',
        'rollout.steps[0].weight: found 0%: a step gives the canary some traffic',
      ],
      [
        '{ pause: {} }, { weight: 5% }, { weight: 100% }',
        'rollout.steps[0]: is a pause: the first step of a canary has a weight',
      ],
      [
        '{ pause: {} }',
        none,
        'rollout.steps[0]: is a pause: the first step of a canary has a weight',
        'rollout.steps[0]: is the last step, which must be { weight: 100% }',
      ],
      [
        '{ weight: 5% }, { pause: {}, minDuration: 1m, minRequests: 5 }, { weight: 100% }',
        'rollout.steps[1].minDuration: has no meaning in a pause: it belongs to a weight step',
        'rollout.steps[1].minRequests: has no meaning in a pause: it belongs to a weight step',
      ],
      ['{ mirror: 100% }', none, 'rollout.steps[0].mirror: not supported yet: mirror steps'],
    ],
    (found) => file({ service: `    rollout: { steps: [ ${found} ] }` }),
  )
  t.end()
})

t.test('a metric has something to be judged by and data to be judged on', (t) => {
  const at = 'analysis.metrics'
  const nothing = 'has nothing to be judged by: it needs maxIncrease and/or max'
  const metrics = (found: string, more = 'observe: { prediction: body:/p }') =>
    file({ service: `    ${more}\n    analysis: { metrics: { ${found} } }` })
  checkCases(
    t,
    [
      ['x: { kind: error-rate, maxIncrease: 0 }'],
      ['x: { kind: error-rate }', `${at}.x: ${nothing}`],
      ['x: { kind: latency, quantile: 0.5 }', `${at}.x: ${nothing}`],
      ['x: { kind: rmse, labelWindow: 1m }', `${at}.x: ${nothing}`],
      [
        'no-answer: { kind: error-rate, max: 1% }',
        `${at}.no-answer: found a name that serin uses itself: choose another`,
      ],
      [
        'x: { kind: rmse, max: 1, labelWindow: 8d }',
        `${at}.x.labelWindow: found 8d, allowed is at most feedback.retention (7d)`,
      ],
    ],
    metrics,
  )
  t.match(problemsOf(metrics('x: { kind: rmse, max: 1, labelWindow: 1m }', 'observe: {}')), [
    /metrics.x: compares labels with predictions, but nothing says where those are: name observe.prediction/,
  ])
  t.end()
})

t.test('an analysis without a rollout is warned about', (t) => {
  t.same(warningsOf(file({ service: '    analysis: { warmUp: 0 }' })), [
    'f:11:15: services.m.analysis: is not used: the service has neither a rollout nor split.weights, so nothing is drawn',
  ])
  t.end()
})
