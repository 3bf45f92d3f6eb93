import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

/** Nanoseconds that a tick costs at best, after full collections that found none waiting. */
const MEASURE = `
  const noop = () => {}
  const tickOften = (times) => { for (let n = 0; n < times; n += 1) process.nextTick(noop) }
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  tickOften(100)
  await turn()
  for (let n = 0; n < 6; n += 1) gc()
  await turn()
  const costs = []
  for (let round = 0; round < 40; round += 1) {
    const from = process.hrtime.bigint()
    tickOften(3000)
    costs.push(Number(process.hrtime.bigint() - from) / 3000)
    await turn()
  }
  console.log(Math.min(...costs))`

t.test('A tick costs as little after a collection as it did before.', async (t) => {
  const module = new URL('../src/keep-ticks-fast.js', import.meta.url).href
  const call = `import { keepTicksFast } from '${module}'; keepTicksFast();`

  const [kept, forgotten] = [await run(call + MEASURE), await run(MEASURE)]
  t.ok(3 * kept < forgotten, `${kept} ns, and ${forgotten} ns without it`)
})

async function run(code: string): Promise<number> {
  const flags = ['--expose-gc', '--input-type=module']
  // Code whose coverage is taken is optimized otherwise. Where the variable is missing, Node hands on its own.
  const env = { ...process.env, NODE_V8_COVERAGE: '' }
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', code], {
    env,
  })
  return Number(stdout)
}
