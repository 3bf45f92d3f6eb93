/** Runs `run` once after `delayMs`; the function that comes back calls it off. */
export type SetTimer = (run: () => void, delayMs: number) => () => void

/** A timer of Node.js that does not keep the process alive. */
export const setBackgroundTimer: SetTimer = (run, delayMs) => {
  const timer = setTimeout(run, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}
