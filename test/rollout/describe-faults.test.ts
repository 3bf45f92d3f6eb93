import t from 'tap'
import type { Cause, UpstreamCount } from '../../src/domain/faults.ts'
import type { MetricReport } from '../../src/domain/verdict.ts'
import type { Observation } from '../../src/rollout/observation.ts'
import { step } from '../../src/rollout/step.ts'
import { harmed, plan, report, seen, state } from '../fakes/rollout.ts'

const DEAD = { healthy: 0, all: 2 }
const LIMIT = { max: 0.005, min: null, ticksBeyond: 3, baselineBeyond: false, tooFew: false }

/** How the canary failed, as an observation has it. */
function faults(
  causes: readonly [Cause, number][],
  upstreams: UpstreamCount | null = DEAD,
  clientErrors: readonly [number, number][] = [],
) {
  return {
    faults: () => ({ byCause: new Map(causes), clientErrors: new Map(clientErrors), upstreams }),
  }
}

const REFUSED = faults([
  [500, 3],
  ['SERIN_UPSTREAM_REFUSED', 1400],
])

const SAID =
  / The canary's failures in this attempt, judged or not: 1,400 × SERIN_UPSTREAM_REFUSED, 3 × status 500; healthy upstreams: 0 of 2\.$/

function summaryOf(
  reports: readonly MetricReport[],
  found: Partial<Observation> = REFUSED,
): string {
  return step(plan(), state(), seen({ reports, ...found })).decision!.summary
}

t.test('a rollback on failures says which they were, and that no upstream is healthy', (t) => {
  const tried = { attempts: 50, failures: 31, clientErrors: 0 }
  const breaker = {
    tripped: true,
    canary: tried,
    baseline: { attempts: 900, failures: 2, clientErrors: 0 },
  }
  t.match(step(plan(), state(), seen({ breaker, ...REFUSED })).decision!.summary, SAID)
  t.match(summaryOf([harmed()]), SAID)
  t.match(summaryOf([report({ verdict: 'failed', limit: LIMIT })]), SAID)
  t.end()
})

t.test('a breaker that tripped on 4xx says so, and which they were', (t) => {
  const canary = { attempts: 50, failures: 1, clientErrors: 48 }
  const baseline = { attempts: 900, failures: 2, clientErrors: 4 }
  const tripped = { breaker: { tripped: true, canary, baseline } }
  const summary = (found: object) =>
    step(plan(), state(), seen({ ...tripped, ...found })).decision!.summary
  const start =
    /^Rolled back by the breaker \(outside α\): 49 of 50 of 2\.0's last attempts failed or were answered with a 4xx, against 6 of 900 of the baseline's\./
  t.match(summary({}), start)
  const known = summary(
    faults([[500, 1]], DEAD, [
      [404, 47],
      [422, 1],
    ]),
  )
  t.match(known, start)
  t.match(
    known,
    / The canary's 4xx in this attempt, judged or not: 47 × status 404, 1 × status 422\. Who asks/,
  )
  t.notMatch(summary(faults([[500, 1]])), /4xx that this process/)
  t.end()
})

t.test('a pause by 4xx says which they were, and what can be done', (t) => {
  const guard: Partial<MetricReport> = {
    ...{ name: 'client-error', kind: 'client-error', required: false },
    ...{ baseline: { value: 0.01, n: 800 }, canary: { value: 0.2, n: 200 } },
    ...{ onFailure: 'pause', margins: { harm: 0.5, proof: null } },
  }
  const start =
    'Paused by client-error: 20 % on the canary (n 200) against 1 % on the baseline (n 800); the evidence for "more than 50 % worse" stands at 148 : 1, and 20 : 1 decides.'
  const end =
    ' A 4xx is no failure unless errors.statuses names it: name it there where it is one, or resume where it is meant.'
  t.equal(summaryOf([harmed(guard)], faults([], null, [])), start + end)
  const known = summaryOf([harmed(guard)], faults([], null, [[404, 40]]))
  t.ok(
    known.startsWith(`${start} The canary's 4xx in this attempt, judged or not: 40 × status 404.`),
  )
  t.ok(known.endsWith(end))
  t.end()
})

t.test('the rarer causes are counted together, and what is not known is left out', (t) => {
  const many: [Cause, number][] = [
    [500, 9],
    [502, 8],
    [503, 7],
    [504, 2],
    [501, 1],
  ]
  const all = / 9 × status 500, 8 × status 502, 7 × status 503, 3 × others\.$/
  t.match(summaryOf([harmed()], faults(many, null)), all)
  t.notMatch(summaryOf([harmed()], faults([])), /in this attempt, judged or not/)
  t.end()
})

t.test('what is no matter of failures, or of pairs, is not explained by them', (t) => {
  t.notMatch(summaryOf([harmed({ name: 'rmse', kind: 'rmse' })]), /in this attempt, judged or not/)
  t.notMatch(summaryOf([harmed({ name: 'errors/mirror' })]), /in this attempt, judged or not/)
  t.end()
})

t.test('a guard of labels says where predictions are what is missing', (t) => {
  const guard = { name: 'rmse/label-missing', kind: 'label-missing', onFailure: 'pause' } as const
  const looked = (unreadable: number) => ({
    predictions: {
      baseline: { looked: 900, unreadable: 0 },
      canary: { looked: 100, unreadable },
    },
  })
  const end = ' Beside it, no prediction could be read from 98 of 100 answers of the canary'
  t.ok(summaryOf([harmed(guard)], looked(98))!.includes(end))
  t.notMatch(summaryOf([harmed(guard)], looked(9)), /no prediction/)
  t.end()
})

t.test('a guard of labels says how many requests have none because they failed', (t) => {
  const guard = { name: 'rmse/label-missing', kind: 'label-missing', onFailure: 'pause' } as const
  const said = (found: Partial<Observation>) => summaryOf([harmed(guard)], found)!
  const known = said(
    faults([[500, 52]], null, [
      [404, 1],
      [400, 2],
    ]),
  )
  t.ok(
    known.endsWith(
      " Requests that fail, or get a 4xx, have no answer to go by and count among the missing: 55 of the canary's in this attempt, judged or not (52 × status 500, 2 × status 400, 1 × status 404).",
    ),
    known,
  )
  t.match(said(faults([], null, [[404, 3]])), /: 3 of the canary's in this attempt/)
  t.notMatch(said(faults([])), /count among the missing/)
  t.notMatch(said({}), /count among the missing/)
  t.end()
})
