import type { Level, OutageScores } from '../domain/evidence.ts'

/**
 * How much larger the odds of what is bad are in an outage. Three times is what one has to be; with thirty times a few events
 * of a service that hardly ever fails tell it.
 */
const ODDS: OutageScores = [3, 30]

/** From here on it was one: so seldom, of all runs of cohorts that are doubted at all, is one where nothing has changed. */
export const OUTAGE_SCORE = Math.log(1e4)

/** From here on cohorts wait: ten to one for an outage, which three failures in a moment are. */
export const LIKELY_SCORE = Math.log(10)

/** Before the first cohort. */
export const NO_SCORES: OutageScores = [0, 0]

/**
 * How much cohort after cohort speaks for an outage of the baseline: the CUSUM of the log-likelihood ratio of odds that are
 * larger, which is 0 where a run of cohorts speaks against it (Page, "Continuous inspection schemes", Biometrika 1954). It
 * adds up over neighbouring cohorts, so that short ones and slow services have outages as well. It is bounded, so that an
 * outage is over soon after it ends. `usual` and `now`: the baseline's units so far and of the cohort, with the sum of what
 * is bad in them. Of values between 0 and 1 the ratio is on the safe side: e^x is convex. One unit more is bad of those so
 * far, so that a short past says little.
 */
export function outageScores(before: OutageScores, usual: Level, now: Level): OutageScores {
  const share = Math.min(1, (usual[1] + 1) / (usual[0] + 1))
  const [units, bad] = now
  const next = (score: number, odds: number) => {
    const t = 1 + (odds - 1) * share
    const log = bad * Math.log(odds / t) - (units - bad) * Math.log(t)
    return Math.min(OUTAGE_SCORE, Math.max(0, score + log))
  }
  return [next(before[0], ODDS[0]), next(before[1], ODDS[1])]
}
