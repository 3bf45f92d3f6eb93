/**
 * Sleeps again and again, and notes how much later than asked it woke: what the core, or who lends it, keeps from any
 * process on it (Tene's jHiccup does so). A child process with IPC: milliseconds to do so for come in, a `SleeperReply` goes out.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** The 99th percentile of how late it woke, in milliseconds. */
export type SleeperReply = { readonly lateP99Ms: number }

/** As long as requests are apart at some thousands a second. */
const SLEEP_MS = 0.2

const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4))

process.on('message', (ms: number) => {
  void run(ms).then((lateP99Ms) => process.send!({ lateP99Ms } satisfies SleeperReply))
})
process.once('disconnect', () => process.exit())

/** A time at which the core was away is met by a share of the sleeps as large as its share of the time. */
async function run(ms: number): Promise<number> {
  const late: number[] = []
  const end = performance.now() + ms
  for (let due = performance.now() + SLEEP_MS; due < end; due += SLEEP_MS) {
    // One that is due already began in a time that was slept through: it counts, as a request would.
    Atomics.wait(NEVER_WOKEN, 0, 0, Math.max(0, due - performance.now()))
    late.push(Math.max(0, performance.now() - due))
    if (late.length % 100 === 0) await nextTurn()
  }
  late.sort((a, b) => a - b)
  return late[Math.floor(0.99 * late.length)] ?? 0
}
