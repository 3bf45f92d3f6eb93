import type { Delay } from './drain.ts'

/** A span of real time; cancelled, it never passes and keeps nothing alive. */
export function createDelay(ms: number): Delay {
  let timer: NodeJS.Timeout | undefined
  const done = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return { done, cancel: () => clearTimeout(timer) }
}
