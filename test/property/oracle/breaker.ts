import { keyUnit } from '../../../src/feedback/key-unit.ts'
import type { Request } from './history.ts'
import { divergence, ENOUGH } from './limits.ts'

/** What of attempts is held against the other side: failures, and beside these 4xx, or clients that left without an answer. */
type Kind = 'failed' | 'unserved' | 'unanswered'

/** Attempts of one process in a span, of one side. */
export type Attempts = {
  readonly n: number
  readonly shares: Readonly<Record<Kind, number>>
}

/** When a process judges: in its warm-up fewer attempts suffice, and `failures` is the share that trips. */
export type Terms = { readonly failures: number; readonly isWarmUp: boolean }

/** How things stand with one process's attempts at a moment. */
export type Standing = { readonly trips: boolean; readonly isSick: boolean }

/** Keys are dealt to so many places. */
const PLACES = 32

const SECOND_MS = 1000

const KINDS: Readonly<Record<Kind, (request: Request) => boolean>> = {
  failed: isFailed,
  unserved: (request) => isFailed(request) || isRefused(request),
  unanswered: (request) =>
    isFailed(request) || (request.outcome === 'client_closed' && request.status === 499),
}

function isFailed({ outcome }: Request): boolean {
  return outcome === 'failed' || outcome === 'no_answer'
}

function isRefused({ outcome, status }: Request): boolean {
  return outcome === 'ok' && status >= 400 && status < 500
}

/** Attempts of one process, whose breaker goes by these alone. */
export class Process {
  /** Each side's requests in the order in which they ended, each with the place of its key. */
  readonly #sides: readonly (readonly (readonly [request: Request, place: number])[])[]

  constructor(requests: readonly Request[]) {
    this.#sides = [0, 1].map((side) => {
      const ended = requests.filter((each) => each.side === side && each.bookedAt !== null)
      let keyless = 0
      return ended
        .toSorted((a, b) => a.bookedAt! - b.bookedAt!)
        .map((each) => {
          const place = each.key === null ? keyless++ : keyUnit(`k-${each.key}`)
          return [each, place % PLACES] as const
        })
    })
    this.#begun = [0, 1].map((side) => requests.filter((each) => each.side === side))
  }

  readonly #begun: readonly (readonly Request[])[]

  /** `since`: what came before says nothing. `last`: the shares of the baseline's last step, null = it had none. */
  standing(now: number, since: number, last: Attempts['shares'] | null, terms: Terms): Standing {
    const back = (side: 0 | 1, least: number) => this.#covering(now, since, side, least)
    const trips = (kind: Kind) => {
      const least = terms.isWarmUp && kind !== 'unanswered' ? 10 : 50
      const from = back(1, least)
      const canary = this.#attempts(1, from, now)
      const baseline = this.#attempts(0, from, now)
      const share = canary.shares[kind]
      const other = usual(baseline, last?.[kind] ?? 0, kind)
      if (canary.n < least || share === 0) return false
      const isBeyond = share >= terms.failures && share >= 2 * other
      return isBeyond && (canary.n >= 50 || isNoChance(canary.n, share, other, baseline.n))
    }
    const from = back(0, 20)
    const own = this.#attempts(0, from, now)
    // Who is left by clients is held against the other side, where that has as many attempts.
    const both = Math.min(from, back(1, 20))
    const [baseline, canary] = [this.#attempts(0, both, now), this.#attempts(1, both, now)]
    const isLeft = baseline.shares.unanswered >= 2 * canary.shares.unanswered && canary.n >= 20
    const { failed, unanswered } = own.shares
    return {
      trips: (['failed', 'unserved', 'unanswered'] as const).some(trips),
      isSick: own.n >= 20 && (failed >= terms.failures || (unanswered >= terms.failures && isLeft)),
    }
  }

  /** Shares of all that one side ended in a span, by requests alone. */
  rates(side: 0 | 1, from: number, to: number): Attempts['shares'] | null {
    const all = this.#ended(side, from, to).map(([request]) => request)
    if (all.length === 0) return null
    const share = (kind: Kind) => all.filter(KINDS[kind]).length / all.length
    return {
      failed: share('failed'),
      unserved: share('unserved'),
      unanswered: share('unanswered'),
    }
  }

  /** Where the shortest span begins, in whole seconds, the one that runs included, that has so many attempts and ten seconds. */
  #covering(now: number, since: number, side: 0 | 1, least: number): number {
    const newest = Math.floor(now / SECOND_MS)
    const ends = this.#ended(side, since, now)
      .map(([request]) => request.bookedAt!)
      .toReversed()
    const needed = ends[least - 1] ?? since
    return Math.max(since, Math.min(newest - 9, Math.floor(needed / SECOND_MS)) * SECOND_MS)
  }

  #ended(side: 0 | 1, from: number, to: number) {
    return this.#sides[side]!.filter(([{ bookedAt }]) => from <= bookedAt! && bookedAt! <= to)
  }

  #attempts(side: 0 | 1, from: number, now: number): Attempts {
    const ended = this.#ended(side, from, now)
    const begun = this.#begun[side]!.filter(({ at }) => from < at && at <= now).length
    const places = (all: typeof ended) => new Set(all.map(([, place]) => place)).size
    const share = (kind: Kind) => {
      const bad = ended.filter(([request]) => KINDS[kind](request))
      if (bad.length === 0) return 0
      return Math.min(bad.length / Math.max(ended.length, begun), places(bad) / places(ended))
    }
    return {
      n: ended.length,
      shares: {
        failed: share('failed'),
        unserved: share('unserved'),
        unanswered: share('unanswered'),
      },
    }
  }
}

/** What the baseline has of a kind; of a few requests that have one at most it is what it had last. */
function usual({ n, shares }: Attempts, last: number, kind: Kind): number {
  if (n >= 20) return shares[kind]
  return shares[kind] * n >= 2 ? Math.max(shares[kind], last) : last
}

/** Of `n` requests; one more than the baseline is known to have may be bad anywhere. */
function isNoChance(n: number, share: number, of: number, others: number): boolean {
  const more = others === 0 ? of : (of * others + 1) / (others + 1)
  return share > more && n * divergence(share, more) >= ENOUGH
}
