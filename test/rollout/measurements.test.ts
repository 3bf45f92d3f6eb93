import t from 'tap'
import type { ThresholdSpec } from '../../src/domain/rollout-spec.ts'
import type { Verdict } from '../../src/domain/verdict.ts'
import { assess, countsOf, dueAt, isOver, verdictOn } from '../../src/rollout/measurements.ts'
import { run, terms } from '../fakes/measurements.ts'

/*
 * The numbered cases are those of Argo Rollouts' own tests (analysis/analysis_test.go, at the line in
 * brackets), and of its documents on conditions (utils/evaluate/evaluate_test.go, docs/features/analysis.md).
 * Where the other cases stand:
 *
 *  1–17          here (16: reset by a success; 17: count)
 *  18, 19, 25    test/rollout/threshold.test.ts (worst metric wins, a metric that failed, all fail)
 *  20, 21, 22    here for the times, test/evaluator/providers.test.ts for the warm-up as initial delay
 *  23            test/evaluator/providers.test.ts (restart)
 *  24            test/rollout/threshold.test.ts (dry-run is `mode: report`)
 *  26–29, 33–37  test/rollout/compare.test.ts
 *  30            test/config/check-measured.test.ts (nothing to be judged by is refused)
 *  31, 32        test/evaluator/provider-answer.test.ts (what is no number is an error)
 */

const S: Verdict = 'successful'
const F: Verdict = 'failed'
const I: Verdict = 'inconclusive'
const E: Verdict = 'error'

/** [running, ended]: what `assess` says while measuring goes on, and were it to end here. */
function assessed(change: Partial<ThresholdSpec>, verdicts: readonly Verdict[]) {
  const counts = countsOf(run(verdicts), 0)
  return [assess(terms(change), counts, false), assess(terms(change), counts, true)]
}

const ANY = { failureLimit: null }

t.test('case 1, no measurements (537): going on, and inconclusive in the end', (t) => {
  t.same(assessed({}, []), [null, 'inconclusive'], 'Argo: Successful; nothing was measured')
  t.equal(verdictOn(terms(), countsOf(undefined, 0)), 'inconclusive')
  t.end()
})

t.test('case 2, a measurement under way (549): goes on with what is counted', (t) => {
  // A measurement is counted when it is there, so one that is under way is none yet.
  t.same(assessed({ count: 2 }, [S]), [null, 'successful'])
  t.end()
})

t.test('case 3, failure limit (572): 3 failures with limit 2', (t) => {
  t.same(assessed({ failureLimit: 2 }, [F, F, F]), ['failed', 'failed'])
  t.end()
})

t.test('case 4, failure limit (572): 3 failures with limit 3', (t) => {
  t.same(assessed({ failureLimit: 3 }, [F, F, F, S]), [null, 'successful'])
  t.same(assessed({ failureLimit: 3 }, [F, F, F]), [null, 'inconclusive'], 'nothing has succeeded')
  t.end()
})

t.test('case 5, consecutive success (597): a streak of 3 of 3', (t) => {
  t.same(assessed({ ...ANY, consecutiveSuccessLimit: 3 }, [F, S, S, S]), [S, S])
  t.end()
})

t.test('case 6, consecutive success (597): a streak of 3 of 5 goes on', (t) => {
  const limits = { ...ANY, consecutiveSuccessLimit: 5 }
  t.equal(assessed(limits, [F, S, S, S])[0], null)
  t.equal(verdictOn(terms(limits), countsOf(run([F, S, S, S]), 0)), 'inconclusive')
  t.end()
})

t.test(
  'case 7, consecutive success (597): a streak of 3 of 5 when the count of 7 is reached',
  (t) => {
    const limits = { ...ANY, consecutiveSuccessLimit: 5, count: 7 }
    t.same(assessed(limits, [S, S, S, F, S, S, S]), ['failed', 'failed'])
    t.end()
  },
)

t.test('case 8, consecutive success (597): a streak of 3 of 3 before the count of 9', (t) => {
  t.same(assessed({ ...ANY, consecutiveSuccessLimit: 3, count: 9 }, [F, S, S, S]), [S, S])
  t.end()
})

const BOTH = { failureLimit: 4, consecutiveSuccessLimit: 4 }

t.test('case 9, both limits (664): 3 failures and a streak of 3 go on', (t) => {
  t.equal(assessed(BOTH, [F, F, F, S, S, S])[0], null)
  t.end()
})

t.test('case 10, both limits (664): 5 failures', (t) => {
  t.equal(assessed(BOTH, [F, F, F, F, F])[0], 'failed')
  t.end()
})

t.test('case 11, both limits (664): 3 failures and a streak of 4', (t) => {
  t.equal(assessed(BOTH, [F, F, F, S, S, S, S])[0], 'successful')
  t.end()
})

t.test('case 12, both limits (664): 5 failures and a streak of 4, failure wins', (t) => {
  t.equal(assessed(BOTH, [F, F, F, F, F, S, S, S, S])[0], 'failed')
  t.end()
})

t.test('case 13, both limits (664): neither met when the count of 10 is reached', (t) => {
  const verdicts = [S, S, S, F, F, F, F, S, S, S]
  t.same(assessed({ ...BOTH, count: 10 }, verdicts), ['inconclusive', 'inconclusive'])
  t.end()
})

t.test('case 14, inconclusive limit (799): 3 with limit 2, and with limit 3', (t) => {
  t.equal(assessed({ inconclusiveLimit: 2 }, [I, I, I])[0], 'inconclusive')
  t.equal(assessed({ inconclusiveLimit: 3 }, [I, I, I])[0], null)
  t.end()
})

t.test('case 15, consecutive errors (824): 5 are beyond the default limit of 4, 4 are not', (t) => {
  t.equal(assessed({}, [E, E, E, E, E])[0], 'error')
  t.equal(assessed({}, [E, E, E, E])[0], null)
  t.end()
})

t.test('case 16, a success after errors (1217): the counter is back to 0', (t) => {
  t.match(countsOf(run([E, E, E, S]), 0), { error: 3, consecutiveErrors: 0 })
  t.equal(assessed({}, [E, E, E, E, S, E, E, E, E])[0], null)
  t.match(countsOf(run([S, S, E]), 0), { consecutiveSuccesses: 0 }, 'and the other way round')
  t.end()
})

t.test('case 17, count reached (845): 10 of 10, and 5 of them inconclusive', (t) => {
  t.equal(assessed({ count: 10 }, Array<Verdict>(10).fill(S))[0], 'successful')
  const half = [...Array<Verdict>(5).fill(S), ...Array<Verdict>(5).fill(I)]
  t.equal(assessed({ count: 10 }, half)[0], 'inconclusive')
  t.end()
})

t.test('errors are no measurements of a count, and never end a run', (t) => {
  t.equal(assessed({ count: 2, consecutiveErrorLimit: 9 }, [S, E, E])[0], null)
  const counts = countsOf(run([E, E, E, E, E]), 0)
  t.equal(isOver(terms(), counts), false, 'what is asked may be back soon')
  t.equal(verdictOn(terms(), counts), 'error')
  t.end()
})

t.test(
  'a run is over when it failed, was inconclusive too often, or has all that it wanted',
  (t) => {
    const over = (change: Partial<ThresholdSpec>, verdicts: readonly Verdict[]) =>
      isOver(terms(change), countsOf(run(verdicts), 0))
    t.equal(over({}, [F]), true)
    t.equal(over({}, [I]), true)
    t.equal(over({ count: 1 }, [S]), true)
    t.equal(over({ consecutiveSuccessLimit: 1 }, [S]), true)
    t.equal(over({}, [S, S, S]), false, 'without a count as long as the step lasts')
    t.end()
  },
)

t.test('a run without an end is read as if it ended now; one with an end is waited for', (t) => {
  const verdict = (change: Partial<ThresholdSpec>, verdicts: readonly Verdict[]) =>
    verdictOn(terms(change), countsOf(run(verdicts), 0))
  t.equal(verdict({}, [S]), 'successful')
  t.equal(verdict({}, [E]), 'inconclusive', 'an error within its limit is no success')
  t.equal(verdict({ count: 2 }, [S]), 'inconclusive')
  t.equal(verdict({ count: 2 }, [S, S]), 'successful')
  t.end()
})

t.test('another step, or the same one entered anew, counts from nothing', (t) => {
  const before = run([F, F], 100)
  t.match(countsOf(before, 100), { failed: 2 })
  t.match(countsOf(before, 200), { failed: 0, successful: 0 })
  t.end()
})

t.test('case 20, initial delay (300): the first measurement when measuring begins', (t) => {
  t.equal(dueAt(null, 60_000, 20_000), 20_000)
  t.end()
})

t.test('case 21, interval (168): of 60 s, the last one 50 s and 61 s ago', (t) => {
  const due = dueAt({ at: 0, isError: false }, 60_000, 0)
  t.equal(50_000 >= due, false)
  t.equal(61_000 >= due, true)
  t.end()
})

t.test('case 22, after an error (393): again after 10 s, whatever the interval', (t) => {
  t.equal(dueAt({ at: 0, isError: true }, 300_000, 0), 10_000)
  t.equal(dueAt({ at: 0, isError: true }, 3000, 0), 3000, 'a shorter interval stays')
  t.end()
})
