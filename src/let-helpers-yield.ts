import { readdirSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** The first that Node starts beside the main one: four workers, and the one that keeps their tasks with a delay. */
const V8_THREADS = 5

/** How much nicer they are than the main one: a ninth of its weight (sched(7): a step is a fourth). */
const NICER = 10
const NICEST = 19

/**
 * Has the threads of V8 beside the main one (they collect garbage and compile) wait where it wants the core that they
 * are on: they become nicer than it. Those of libuv, which read files, look up names and write the store, stay as they
 * are. Linux alone knows a niceness of each thread; elsewhere nothing happens, nor where a sandbox forbids it.
 * See docs/adr/0013-helpers-yield.md.
 */
export function letHelpersYield(): void {
  if (process.platform !== 'linux') return
  try {
    const niceness = Math.min(getPriority() + NICER, NICEST)
    // The kernel lists them in the order in which they began.
    const threads = readdirSync('/proc/self/task').map(Number)
    for (const thread of threads.slice(1, 1 + V8_THREADS)) setPriority(thread, niceness)
  } catch {
    // Without it a request waits longer now and then, which is no reason not to serve it.
  }
}
