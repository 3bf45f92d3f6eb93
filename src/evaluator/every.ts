/** Calls `run` each `ms` from now on, for the first time when they have passed once; what comes back ends that. */
export type Every = (ms: number, run: () => Promise<void>) => () => void

/** By a timer of Node.js that does not keep the process alive, and waits for no call. */
export const everyInBackground: Every = (ms, run) => {
  const timer = setInterval(() => void run(), ms)
  timer.unref()
  return () => clearInterval(timer)
}
