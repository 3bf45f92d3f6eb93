import type { Clock } from './domain/clock.ts'

/**
 * A clock whose time of day never goes back, for what is judged by it: intervals, windows and settling times of cohorts,
 * which are stored, and so are counted on no monotonic clock. Where the machine's clock is set back (by NTP after a start
 * with a wrong one, or by hand), this one goes on at half its pace until the other has caught up: an hour in two. It follows
 * one that is set forward at once, as after a sleep.
 */
export function createSteadyClock({ now, monotonic }: Clock): Clock {
  let last = -Infinity
  /** What it said when the clock was found to be behind, and when that was (monotonic); null = it is not. */
  let behind: { readonly at: number; readonly monotonic: number } | null = null
  return {
    monotonic,
    now: () => {
      const told = now()
      if (behind === null && told >= last) return (last = told)
      behind ??= { at: last, monotonic: monotonic() }
      const slowed = Math.floor(behind.at + (monotonic() - behind.monotonic) / 2)
      if (told >= slowed) behind = null
      return (last = Math.max(told, slowed))
    },
  }
}
