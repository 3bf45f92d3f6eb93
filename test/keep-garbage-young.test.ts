import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

/** Of a thousand objects from a place in the code whose first ones were all kept: how many began in the old generation. */
const COUNT_OLD = `
  const make = new Function('x', 'return { a: { x }, b: [x] }')
  const isYoung = new Function('object', 'return %InYoungGeneration(object)')
  const kept = Array.from({ length: 1_500_000 }, (_, n) => make(n))
  console.log(Array.from({ length: 1000 }, (_, n) => make(n)).filter((o) => !isYoung(o)).length)`

t.test(
  'An object begins in the young generation, however long those before it lived.',
  async (t) => {
    const module = new URL('../src/keep-garbage-young.js', import.meta.url).href
    const call = `import { keepGarbageYoung } from '${module}'; keepGarbageYoung();`

    t.equal(await run(call + COUNT_OLD), '0')
    t.not(await run(COUNT_OLD), '0', 'without it they do not')
  },
)

async function run(code: string): Promise<string> {
  // In one thread what V8 optimizes, and when, does not depend on what else runs.
  const flags = ['--single-threaded', '--allow-natives-syntax', '--input-type=module']
  // Code whose coverage is taken is optimized otherwise. Where the variable is missing, Node hands on its own.
  const env = { ...process.env, NODE_V8_COVERAGE: '' }
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--eval', code], {
    env,
  })
  return stdout.trim()
}
