import t from 'tap'
import { checkCases, file, problemsOf, warningsOf } from './problems-of.ts'

t.test('a rollout moves a canary, and nothing else moves the weights', (t) => {
  const rollout = '    rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }'
  t.same(problemsOf(file({ service: rollout })), [])
  const none =
    'f:11:14: services.m.rollout: moves the variant `canary`, but variants has none of that name'
  const renamed = (name: string) =>
    problemsOf(file({ service: rollout }).replace('canary:', `${name}:`))
  t.same(renamed('other'), [`${none}: without a canary, \`rollout\` must go too`])
  t.same(renamed('canery'), [`${none}: did you mean "canary" where it says "canery"?`])
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
        'rollout.steps[0]: is a pause: the first step of a canary has a weight or a mirror',
      ],
      [
        '{ pause: {} }',
        none,
        'rollout.steps[0]: is a pause: the first step of a canary has a weight or a mirror',
        'rollout.steps[0]: is the last step, which must be { weight: 100% }',
      ],
      [
        '{ weight: 5% }, { pause: {}, minDuration: 1m, minRequests: 5 }, { weight: 100% }',
        'rollout.steps[1].minDuration: has no meaning in a pause: it belongs to a weight step',
        'rollout.steps[1].minRequests: has no meaning in a pause: it belongs to a weight step',
      ],
      [
        '{ weight: 5%, maxBody: 1KiB, tolerance: 0 }, { weight: 100% }',
        'rollout.steps[0].maxBody: has a meaning in a mirror step alone',
        'rollout.steps[0].tolerance: has a meaning in a mirror step alone',
      ],
    ],
    (found) => file({ service: `    rollout: { steps: [ ${found} ] }` }),
  )
  t.end()
})

t.test('a breaker that nothing has to fail for is refused', (t) => {
  checkCases(
    t,
    [
      ['0.1%'],
      ['100%'],
      [
        '0%',
        'analysis.breaker.failures: found "0%", allowed is a percentage above 0% up to 100% such as 10%',
      ],
    ],
    (found) =>
      file({
        service: `    rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }
    analysis: { breaker: { failures: ${found} } }`,
      }),
  )
  t.end()
})

t.test('mirror steps come first, copy what may be copied, and are the only copies', (t) => {
  const live = '{ weight: 5% }, { weight: 100% }'
  const steps = (found: string, more = 'idempotent: true') =>
    file({ service: `    ${more}\n    rollout: { steps: [ ${found} ] }` })
  checkCases(
    t,
    [
      [`{ mirror: 10%, tolerance: 0.1 }, { pause: {} }, { mirror: 100%, maxBody: 1KiB }, ${live}`],
      [
        `{ mirror: 0% }, ${live}`,
        'rollout.steps[0].mirror: found "0%", allowed is a percentage above 0% up to 100% such as 10%',
      ],
      [
        '{ mirror: 100% }',
        'rollout.steps: found no weight below 100%: at least one must come before it',
      ],
      [
        '{ weight: 5% }, { mirror: 100% }, { weight: 100% }',
        'rollout.steps[1].mirror: comes after a weight, where the canary answers users already: mirrors come first',
      ],
    ],
    steps,
  )
  t.match(problemsOf(steps(`{ mirror: 5% }, ${live}`, 'idempotent: false')), [
    /rollout.steps\[0\].mirror: needs `idempotent: true` of the service: a copy is a second request/,
  ])
  const both = 'idempotent: true\n    mirror: [ { to: canary } ]'
  t.match(problemsOf(steps(`{ mirror: 5% }, ${live}`, both)), [
    /mirror\[0\].to: found "canary", which a step of the rollout mirrors to: it would get every copy twice/,
  ])
  t.end()
})

t.test('a disagreement has a limit, and copies to find it in', (t) => {
  const at = 'analysis.metrics.x'
  const step = 'rollout: { steps: [ { mirror: 100% }, { weight: 5% }, { weight: 100% } ] }'
  const metric = (found: string, more = `idempotent: true\n    ${step}`) =>
    file({
      service: `    ${more}\n    analysis: { metrics: { x: { kind: disagreement, ${found} } } }`,
    })
  checkCases(
    t,
    [
      ['max: 5%'],
      ['mode: report', `${at}: has nothing to be judged by: it needs max`],
      [
        'max: 5%, method: threshold',
        `${at}.method: found threshold: the disagreement of pairs is tested, pair by pair`,
      ],
    ],
    metric,
  )
  t.same(problemsOf(metric('max: 5%', 'idempotent: true\n    mirror: [ { to: canary } ]')), [])
  t.match(problemsOf(metric('max: 5%', 'idempotent: true')), [
    /metrics.x: compares answers in pairs, but the canary gets no copies: it needs a step such as { mirror: 100% }, or a mirror to canary/,
  ])
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
        'client-error: { kind: error-rate, max: 1% }',
        `${at}.client-error: found a name that serin uses itself: choose another`,
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
