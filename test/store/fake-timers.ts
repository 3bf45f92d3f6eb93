import type { SetTimer } from '../../src/store/set-timer.ts'

/** Timers that run when the test says so. */
export type FakeTimers = {
  readonly setTimer: SetTimer
  /** Delays of the timers that are set, in milliseconds. */
  readonly delays: () => readonly number[]
  /** Runs every timer that is set now. */
  readonly fire: () => void
}

export function createFakeTimers(): FakeTimers {
  const timers = new Set<{ run: () => void; delayMs: number }>()
  return {
    setTimer: (run, delayMs) => {
      const timer = { run, delayMs }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    delays: () => [...timers].map(({ delayMs }) => delayMs),
    fire: () => {
      for (const timer of [...timers]) {
        timers.delete(timer)
        timer.run()
      }
    },
  }
}
