import t from 'tap'
import type { DecisionJson, ServiceJson } from '../../src/admin/present.ts'
import { describeUnfinished, judgeEnding } from '../../src/demo/judge-ending.ts'
import type { Observed } from '../../src/demo/judge-ending.ts'
import { buildScenarios } from '../../src/demo/scenario.ts'

const [BETTER, SKEWED, FAILING] = buildScenarios(false)
const AT = Date.parse('2026-05-01T12:00:00.000Z')

function observe(
  phase: ServiceJson['phase'],
  reason: string | null = null,
  faultAt: number | null = null,
): Observed {
  const decisions =
    reason === null ? [] : [decide('start', 'canary-ready'), decide('rollback', reason)]
  return { view: view({ phase }), decisions, faultAt }
}

function decide(action: DecisionJson['action'], reason: string): DecisionJson {
  return { action, reason, at: new Date(AT).toISOString() } as DecisionJson
}

function view(change: Partial<ServiceJson>): ServiceJson {
  return {
    weights: { canary: 20 },
    missing: [],
    pause: null,
    phase: null,
    ...change,
  } as ServiceJson
}

t.test('a rollout that is under way has not ended', (t) => {
  for (const phase of ['idle', 'progressing', 'paused', 'watching', null] as const) {
    t.same(judgeEnding(BETTER!, observe(phase)), { state: 'running' })
  }
  t.same(
    judgeEnding(SKEWED!, observe('rolled-back')),
    { state: 'running' },
    'the log is not there yet',
  )
  t.end()
})

t.test('the better canary should be promoted, and nothing else', (t) => {
  t.match(judgeEnding(BETTER!, observe('promoted')), { state: 'as-expected' })
  t.match(judgeEnding(BETTER!, observe('rolled-back', 'errors')), {
    state: 'otherwise',
    sentence: 'mpg-better was rolled back by errors, but its canary is better.',
  })
  t.end()
})

t.test('the skewed canary should be rolled back by its labels, and by nothing else', (t) => {
  t.match(judgeEnding(SKEWED!, observe('rolled-back', 'rmse')), { state: 'as-expected' })
  t.match(judgeEnding(SKEWED!, observe('rolled-back', 'rmse/above-cap')), { state: 'as-expected' })
  t.match(judgeEnding(SKEWED!, observe('rolled-back', 'errors')), {
    state: 'otherwise',
    sentence: 'mpg-skewed was rolled back by errors, not by rmse.',
  })
  t.match(judgeEnding(SKEWED!, observe('promoted')), {
    state: 'otherwise',
    sentence: /was promoted, but/,
  })
  t.end()
})

t.test('the failing canary should be rolled back soon after its server began to fail', (t) => {
  t.match(judgeEnding(FAILING!, observe('rolled-back', 'errors', AT - 1500)), {
    state: 'as-expected',
    sentence: 'rolled back by errors, 1.5 s after its server began to fail',
  })
  t.match(judgeEnding(FAILING!, observe('rolled-back', 'breaker', AT - 20_000)), {
    state: 'as-expected',
  })
  t.match(judgeEnding(FAILING!, observe('rolled-back', 'errors', AT - 20_100)), {
    state: 'otherwise',
    sentence: 'mpg-failing was rolled back by errors only 20.1 s after its server began to fail.',
  })
  for (const faultAt of [null, AT + 1]) {
    t.match(judgeEnding(FAILING!, observe('rolled-back', 'errors', faultAt)), {
      state: 'otherwise',
      sentence: /before its server had failed at all/,
    })
  }
  t.match(judgeEnding(FAILING!, observe('rolled-back', 'rmse', AT)), {
    sentence: 'mpg-failing was rolled back by rmse, not by errors or breaker.',
  })
  t.end()
})

t.test('what did not end in time is named with its phase and what is missing', (t) => {
  t.match(describeUnfinished(BETTER!, null), { sentence: 'mpg-better was never seen.' })
  t.match(describeUnfinished(BETTER!, view({})), {
    sentence: 'mpg-better was not promoted in time: it is without a rollout at 20 %.',
  })
  const pause = { by: 'metric', metric: 'rmse/label-missing', at: '', until: null }
  t.match(describeUnfinished(SKEWED!, view({ phase: 'paused', pause, missing: ['a', 'b'] })), {
    state: 'otherwise',
    sentence:
      'mpg-skewed was not rolled-back in time: it is paused because of rmse/label-missing at 20 %; missing: a; b.',
  })
  const byHand = { by: 'operator', metric: null, at: '', until: null }
  t.match(describeUnfinished(SKEWED!, view({ phase: 'paused', pause: byHand, weights: {} })), {
    sentence: /it is paused by an operator at 0 %\./,
  })
  t.end()
})
