import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

/** What the build has made of the compiled modules. */
const FOLDER = 'build/dist'

t.test('The bundle holds each process that serin starts, and no package.', async (t) => {
  const files = readdirSync(FOLDER)
  for (const entry of ['main.js', 'worker-process.js', 'model-process.js', 'load-thread.js']) {
    t.ok(files.includes(entry), entry)
  }
  t.match(readFileSync(join(FOLDER, 'main.js'), 'utf8'), /^#!\/usr\/bin\/env node\n/)
  // Before each module the bundler says where it comes from.
  const origins = files
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => readFileSync(join(FOLDER, file), 'utf8').match(/^\/\/ \S+\.m?js$/gm) ?? [])
  t.ok(origins.length > 300, `${origins.length} modules`)
  t.same(
    origins.filter((origin) => !origin.startsWith('// build/src/')),
    [],
  )
})

t.test('What only some commands load stays apart from where every start begins.', async (t) => {
  const loaded = new Set<string>()
  const load = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    const code = readFileSync(join(FOLDER, file), 'utf8')
    for (const [, next] of code.matchAll(/^(?:import|\} from) ?.*"\.\/(.+\.js)";$/gm)) load(next!)
    t.notMatch(code, /^(?:import|\} from) .*"(?:fastify|undici|lmdb|ioredis)";$/m, file)
  }
  load('main.js')
  t.ok(loaded.size > 1, [...loaded].join(' '))
})
