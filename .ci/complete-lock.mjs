// Adds to package-lock.json the optional packages for other platforms that the registry at hand does not
// serve: npm leaves them out when it writes the file, and then `npm ci` refuses it as incomplete.
// Run it after an `npm install` that `npm ci` does not like: `node .ci/complete-lock.mjs`. What it adds has no `integrity`:
// where a registry serves it, take it out again and let `npm install --package-lock-only` write it whole.
import { readFileSync, writeFileSync } from 'node:fs'

const FILE = new URL('../package-lock.json', import.meta.url)
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const PROCESSORS = ['arm', 'arm64', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64']

const lock = JSON.parse(readFileSync(FILE, 'utf8'))
const { packages } = lock
let added = 0
for (const [path, parent] of Object.entries({ ...packages })) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const isThere = packages[`${path}/node_modules/${name}`] ?? packages[`node_modules/${name}`]
    if (isThere !== undefined) continue
    packages[`node_modules/${name}`] = entryOf(name, version, parent.dev)
    added++
  }
}
const [root, ...rest] = Object.keys(packages).sort()
lock.packages = Object.fromEntries([root, ...rest].map((path) => [path, packages[path]]))
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} optional packages added`)

// `@scope/binding-linux-x64-musl`: the name says for which platform it is.
function entryOf(name, version, isDev) {
  const words = name.split('/').at(-1).split('-')
  const os = SYSTEMS.find((system) => words.includes(system))
  const cpu = PROCESSORS.find((processor) => words.includes(processor))
  if (os === undefined || cpu === undefined) throw new Error(`no platform in the name ${name}`)
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : undefined
  return {
    version,
    cpu: [cpu],
    ...(isDev && { dev: true }),
    ...(libc && { libc }),
    optional: true,
    os: [os],
  }
}
