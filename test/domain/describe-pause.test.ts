import t from 'tap'
import {
  describePause,
  describePauseCause,
  describePauseEnd,
} from '../../src/domain/describe-pause.ts'

t.test('a pause says who or what is behind it, not what it is called inside', async (t) => {
  t.equal(describePause('metric', 'rmse'), 'because of rmse')
  t.equal(describePause('baseline', null), 'because the baseline is sick')
  t.equal(describePause('override', null), 'because somebody set the weight')
  t.equal(describePause('of-tomorrow', null), 'because of of-tomorrow')
})

t.test('and the same after "because", without a second one', async (t) => {
  const cases: readonly (readonly [by: string, metric: string | null, clause: string])[] = [
    ['metric', 'rmse', 'the metric rmse failed'],
    ['approval', null, 'a step waits for an approval'],
    ['timer', null, 'its steps have a pause here'],
    ['operator', null, 'an operator paused it'],
    ['ratio-mismatch', null, 'requests are not shared out as drawn'],
    ['baseline', null, 'the baseline is sick'],
    ['override', null, 'somebody set the weight'],
    ['of-tomorrow', null, 'of of-tomorrow'],
  ]
  for (const [by, metric, clause] of cases) t.equal(describePauseCause({ by, metric }), clause)
})

t.test('and what ends it, with the command to give', async (t) => {
  const cases: readonly (readonly [by: string, metric: string | null, end: string])[] = [
    ['approval', null, '`serin promote m` approves'],
    ['timer', null, '`serin promote m` ends it now'],
    ['operator', null, '`serin resume m` goes on'],
    [
      'metric',
      'rmse',
      '`serin abort m` gives everybody the baseline; `serin resume m` goes on with the canary, and rmse only reports for the rest of the attempt',
    ],
    ['ratio-mismatch', null, '`serin resume m` goes on, and counts the shares anew'],
    [
      'baseline',
      null,
      'it does not go on by itself: `serin resume m` once the baseline is well again; where the canary is well, `serin promote m --full` gives it everybody (`abort` gives everybody the sick baseline)',
    ],
    ['override', null, '`serin resume m` goes back to the weight of the step'],
    ['of-tomorrow', null, '`serin resume m` goes on'],
  ]
  for (const [by, metric, end] of cases) t.equal(describePauseEnd({ by, metric }, 'm'), end)
})
