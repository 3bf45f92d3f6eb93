import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'

/** The niceness of the main thread, of those that worked for V8, and of those that worked for libuv. */
const TELL = `
  import { readdirSync, readFileSync } from 'node:fs'
  import { pbkdf2 } from 'node:crypto'
  const threads = () => readdirSync('/proc/self/task').map(Number).filter((id) => id !== process.pid)
  const read = (id, file) => readFileSync('/proc/self/task/' + id + '/' + file, 'utf8')
  const niceness = (id) => Number(read(id, 'stat').split(') ')[1].split(' ')[16])
  const worked = (id) => Number(read(id, 'schedstat').split(' ')[0])
  const whoWorks = async (work) => {
    const before = new Map(threads().map((id) => [id, worked(id)]))
    await work()
    return threads().filter((id) => worked(id) - (before.get(id) ?? 0) > 5e6)
  }
  const kept = []
  const collect = () => { for (let n = 0; n < 2e6; n += 1) kept.push({ n: [n] }); gc() }
  const hash = () => new Promise((resolve) => pbkdf2('', '', 100_000, 64, 'sha1', resolve))
  const [libuv, v8] = [await whoWorks(hash), await whoWorks(collect)]
  console.log(JSON.stringify({ main: niceness(process.pid), v8: v8.map(niceness), libuv: libuv.map(niceness) }))`

t.test(
  'Threads that work for V8 stand back behind the main one, those of libuv do not.',
  { skip: process.platform !== 'linux' && 'only Linux has a niceness of each thread' },
  async (t) => {
    const module = new URL('../src/let-helpers-yield.js', import.meta.url).href
    const call = `import { letHelpersYield } from '${module}'; letHelpersYield();`

    const { main, v8, libuv } = await run(call + TELL)
    t.same(new Set(v8), new Set([Math.min(main + 10, 19)]))
    t.same(new Set(libuv), new Set([main]))

    const usual = await run(TELL)
    t.same(new Set(usual.v8), new Set([usual.main]), 'without it they do not')
  },
)

type Told = {
  readonly main: number
  readonly v8: readonly number[]
  readonly libuv: readonly number[]
}

async function run(code: string): Promise<Told> {
  const flags = ['--expose-gc', '--input-type=module', '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  return JSON.parse(stdout) as Told
}
