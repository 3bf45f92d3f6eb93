import { isBeyondChance } from './beyond-chance.ts'

/** Attempts of one variant in the breaker's span, and what became of them. */
export type AttemptCount = {
  readonly attempts: number
  readonly failures: number
  /** Answers with a 4xx that is no failure of the server. */
  readonly clientErrors: number
  /** Without an answer, since their clients had left before one; absent = none. */
  readonly left?: number
  /** Attempts that began in the span, those without an outcome so far among them; absent = not known. */
  readonly begun?: number
  /** Whose they were; absent = not known. */
  readonly keys?: KeyCount
}

/** Keys dealt at random to a few places: how many places have one, and one with such attempts. */
export type KeyCount = {
  readonly seen: number
  readonly failed: number
  /** With a failure or a client error. */
  readonly unserved: number
  /** With a failure or a client that left; absent = those with a failure. */
  readonly unanswered?: number
}

/**
 * Shares of a variant's requests, from 0 to 1; `unserved`: failures and client errors together; `unanswered`: failures and
 * clients that left together.
 */
export type AttemptRates = {
  readonly failures: number
  readonly unserved: number
  readonly unanswered: number
}

/** Attempts of the canary before the breaker can speak, and in the first seconds after a start. */
const MIN_ATTEMPTS = 50
const MIN_ATTEMPTS_WARM_UP = 10
/** So unlikely are fewer than 50 attempts to fail as often by chance: of ten, five do where three are usual at one look in seven. */
const LOG_CHANCE = Math.log(1e-3)
/** Attempts below which the baseline's rate in the span says nothing, nor that of who is held against it. */
const MIN_BASELINE_ATTEMPTS = 20
/** So many of fewer attempts speak of an outage of both all the same; one alone may be anybody's. */
const MIN_BASELINE_EVENTS = 2
/** A shared outage raises both rates: the canary must be worse by this factor. */
const TIMES_BASELINE = 2

const NO_RATES: AttemptRates = { failures: 0, unserved: 0, unanswered: 0 }

/**
 * Whether the canary is broken so plainly that no statistics is needed: at least `share` of its attempts failed, of at
 * least 50, and at twice the baseline's rate or more in the same span. In warm-up 10 are enough where that is no chance at
 * the baseline's rate with one failure more, n·KL ≥ ln 1,000 (Hoeffding, see `isBeyondChance`).
 *
 * A baseline with under 20 attempts there is taken at its last known rates, at 0 when there are none, or at those of the few
 * where at least two of them failed and that is more: beside a canary that has most of the traffic, an outage of both is
 * seen in a few requests of the baseline, or not at all. Crude, fast, and outside the error budget α. The span (the last 50
 * attempts or 10 seconds, whichever is more) is the caller's.
 *
 * The same is asked of failures and client errors together: who asks both variants the same and has a 4xx from
 * the canary alone asks nothing wrong. A wrong path or model name answers so to everybody, and fast.
 *
 * And of failures and clients that left before an answer together: who is as patient with both variants and leaves the
 * canary alone was kept waiting by it. A server that hangs fails nothing before a deadline, and clients have shorter ones.
 * Of these it takes 50 attempts in warm-up too: the first answers of a cold model are late.
 */
export function breakerTrips(input: {
  readonly canary: AttemptCount
  readonly baseline: AttemptCount
  /** The baseline's rates when it last had traffic; null = never. */
  readonly baselineLast: AttemptRates | null
  /** In (0, 1]. */
  readonly share: number
  readonly warmUp: boolean
}): boolean {
  const { canary, baseline, share, warmUp } = input
  if (canary.attempts < (warmUp ? MIN_ATTEMPTS_WARM_UP : MIN_ATTEMPTS)) return false
  const ofCanary = ratesOf(canary)
  const ofBaseline = baselineRates(baseline, input.baselineLast ?? NO_RATES)
  const isFew = canary.attempts < MIN_ATTEMPTS
  const isBeyond = (rate: (of: AttemptRates) => number) => {
    const [found, usual] = [rate(ofCanary), rate(ofBaseline)]
    if (found < share || found < TIMES_BASELINE * usual) return false
    return !isFew || isBeyondChance(canary.attempts, found, oneMore(usual, baseline), LOG_CHANCE)
  }
  if (isBeyond((of) => of.failures) || isBeyond((of) => of.unserved)) return true
  return !isFew && isBeyond((of) => of.unanswered)
}

/**
 * So many attempts of the canary's span have to have ended badly (failed, refused, or left before an answer) before
 * `breakerTrips` can say yes, whatever the others came to. A span that ends later begins no earlier.
 */
export function fewestToTrip(share: number, warmUp: boolean): number {
  return fewestOf(share, warmUp ? MIN_ATTEMPTS_WARM_UP : MIN_ATTEMPTS)
}

/** The same of the baseline's last attempts and `isBaselineFailing`. */
export function fewestToFail(share: number): number {
  return fewestOf(share, MIN_BASELINE_ATTEMPTS)
}

/** The fewest of so many attempts that are a share of them. */
function fewestOf(share: number, attempts: number): number {
  // 0.14 × 50 is a little more than 7, and 7 / 50 no less than 0.14: one too few does no harm, one too many would.
  return Math.ceil(share * attempts - 1e-9)
}

/** Attempts of a count that ended badly: more than any of the shares is made of. */
export function badOf({ failures, clientErrors, left = 0 }: AttemptCount): number {
  return failures + clientErrors + left
}

/** A rate of the baseline with one event more: of few attempts without any nobody knows that there are none. */
function oneMore(rate: number, { attempts }: AttemptCount): number {
  return attempts === 0 ? rate : (rate * attempts + 1) / (attempts + 1)
}

function baselineRates(baseline: AttemptCount, last: AttemptRates): AttemptRates {
  if (baseline.attempts === 0) return last
  const now = ratesOf(baseline)
  if (baseline.attempts >= MIN_BASELINE_ATTEMPTS) return now
  const larger = (rate: (of: AttemptRates) => number) =>
    rate(now) * baseline.attempts >= MIN_BASELINE_EVENTS
      ? Math.max(rate(now), rate(last))
      : rate(last)
  return {
    failures: larger((of) => of.failures),
    unserved: larger((of) => of.unserved),
    unanswered: larger((of) => of.unanswered),
  }
}

/**
 * Whether the baseline is failing: at least `share` of its last attempts failed, of at least 20; or failed or were left before an
 * answer, and in the span in which the canary has 20 attempts, too, at twice the canary's rate of that or more. Clients
 * who always leave so many (who send each request twice, or ask again at each letter that is typed) say nothing of it.
 */
export function isBaselineFailing(input: {
  /** Of the baseline: the last 20 attempts or 10 seconds, whichever is more. */
  readonly last: AttemptCount
  /** Of both, in one span: so far back as the canary has so many, too. */
  readonly together: () => { readonly canary: AttemptCount; readonly baseline: AttemptCount }
  /** In (0, 1]. */
  readonly share: number
}): boolean {
  const { last, together, share } = input
  if (last.attempts < MIN_BASELINE_ATTEMPTS) return false
  const { failures, unanswered } = ratesOf(last)
  if (failures >= share) return true
  if (unanswered < share) return false
  const { canary, baseline } = together()
  if (canary.attempts < MIN_BASELINE_ATTEMPTS) return false
  return ratesOf(baseline).unanswered >= TIMES_BASELINE * ratesOf(canary).unanswered
}

/**
 * The shares that a count stands for; of at least one attempt. They are of the attempts that began in the span where these are
 * more than those that ended in it: what fails at once is known before what is answered, so that of those that end in the first
 * seconds of a canary (or of a gateway) whose answers take long all have failed. Where it is known whose they were, the share of the attempts
 * or of the keys, whichever is less: a key keeps its variant, so that one client who asks what cannot be answered, again and
 * again, would else speak for all of them. With many keys every place has a bad one soon, and the attempts alone decide.
 */
export function ratesOf(count: AttemptCount): AttemptRates {
  const { attempts, failures, clientErrors, left = 0, begun = 0, keys } = count
  const all = Math.max(attempts, begun)
  const ofAttempts = {
    failures: failures / all,
    unserved: (failures + clientErrors) / all,
    unanswered: (failures + left) / all,
  }
  if (keys === undefined) return ofAttempts
  return {
    failures: Math.min(ofAttempts.failures, keys.failed / keys.seen),
    unserved: Math.min(ofAttempts.unserved, keys.unserved / keys.seen),
    unanswered: Math.min(ofAttempts.unanswered, (keys.unanswered ?? keys.failed) / keys.seen),
  }
}
