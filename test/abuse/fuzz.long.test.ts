import t, { type Test } from 'tap'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startClientFuzz, startUpstreamFuzz, type Fuzz } from './support/check-fuzz.ts'
import { readNumber } from './support/run-cases.ts'

/** Seconds for each side. */
const SECONDS = readNumber('SERIN_FUZZ_SECONDS', 150)

/** Cases of one seed; the next round takes the next seed. */
const COUNT = readNumber('SERIN_FUZZ_COUNT', 1_000)

/** How much the heap may grow from the first rounds to the last ones: buffers of the tests' own included. */
const GROWTH_BYTES = 16 * 1024 * 1024

t.test('Minutes of mutated requests do no harm, and the heap stays flat.', async (t) => {
  t.setTimeout(3_600_000)
  await fuzzOn(t, await startClientFuzz(t))
})

t.test('Minutes of mutated answers do no harm, and the heap stays flat.', async (t) => {
  t.setTimeout(3_600_000)
  await fuzzOn(t, await startUpstreamFuzz(t))
})

async function fuzzOn(t: Test, { stage, run }: Fuzz): Promise<void> {
  const collect = exposedGc()
  const heap: number[] = []
  const end = performance.now() + SECONDS * 1_000
  const first = readNumber('SERIN_FUZZ_SEED', Date.now() % 1_000_000_000)
  let seed = first
  const faults: string[] = []
  for (; performance.now() < end && faults.length === 0; seed++) {
    faults.push(...(await run({ seed, count: COUNT })))
    // What the tests themselves keep of every request.
    const { begun, ends, attempts, notes, predictions } = stage.gateway.recorder
    const kept = [notes, predictions, attempts, stage.gateway.accessLog]
    for (const list of kept) list.length = 0
    const whole = Math.min(begun.length, ends.length)
    begun.splice(0, whole)
    ends.splice(0, whole)
    stage.nonces.forget()
    collect()
    heap.push(process.memoryUsage().heapUsed)
  }
  t.comment(`seeds ${first} to ${seed - 1}, ${COUNT} cases each`)
  t.comment(`heap in MiB: ${heap.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(' ')}`)
  t.same(faults, [])
  t.same(await stage.finish(), [])
  const half = heap.slice(Math.floor(heap.length / 2))
  const growth = Math.max(...half) - Math.max(...heap.slice(0, Math.ceil(heap.length / 2)))
  t.ok(growth < GROWTH_BYTES, `the heap grew by ${(growth / 2 ** 20).toFixed(1)} MiB`)
}

function exposedGc(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
