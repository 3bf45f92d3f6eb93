import { renameSync, symlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import type { Config } from '../src/config/config.ts'
import { createWatchedFiles } from '../src/watched-files.ts'
import { configOf, file } from './config/problems-of.ts'

// A watch keeps no process alive, so the test must.
const alive = setInterval(() => {}, 60_000)
t.teardown(() => clearInterval(alive))

t.test('the configuration and all certificates that it names are watched', async (t) => {
  const folder = t.testdir({
    'serin.yaml': '',
    tls: { v1: { 'cert.pem': 'a', 'key.pem': 'a' }, v2: { 'cert.pem': 'b', 'key.pem': 'b' } },
    up: { 'ca.pem': 'a', 'cert.pem': 'a', 'key.pem': 'a' },
  })
  // As Kubernetes mounts a Secret.
  symlinkSync('v1', `${folder}/tls/..data`)
  for (const name of ['cert.pem', 'key.pem']) symlinkSync(`..data/${name}`, `${folder}/tls/${name}`)
  let count = 0
  let wake = () => {}
  const files = createWatchedFiles(
    () => {
      count++
      wake()
    },
    (name, error) => t.fail(`${name}: ${String(error)}`),
  )
  t.teardown(files.close)
  const changed = async (change: () => void) => {
    const told = new Promise<void>((resolve) => (wake = resolve))
    change()
    await told
  }
  const config = (gateway: string, upstream: string): Config =>
    configOf(
      file({
        gateway,
        variants: `      v: { version: "3", upstreams: ["https://h"]${upstream} }`,
      }),
      {},
      `${folder}/serin.yaml`,
    )
  const whole = config(
    ', tls: { cert: tls/cert.pem, key: tls/key.pem }',
    ', tls: { ca: up/ca.pem, cert: up/cert.pem, key: up/key.pem }',
  )
  files.follow(whole)
  files.follow(whole)
  await changed(() => {
    symlinkSync('v2', `${folder}/tls/..next`)
    renameSync(`${folder}/tls/..next`, `${folder}/tls/..data`)
  })
  t.equal(count, 1, 'a pair that is swapped is one change')
  await changed(() => writeFileSync(`${folder}/up/ca.pem`, 'changed'))
  await changed(() => {
    for (const name of ['cert', 'key']) {
      writeFileSync(`${folder}/up/${name}.new`, 'changed')
      renameSync(`${folder}/up/${name}.new`, `${folder}/up/${name}.pem`)
    }
  })
  files.follow(config('', ''))
  writeFileSync(`${folder}/up/ca.pem`, 'nobody looks')
  const before = count
  await changed(() => writeFileSync(`${folder}/serin.yaml`, 'changed'))
  t.equal(count, before + 1)
})

t.test(
  'a file that cannot be watched is told, and tried again with the next configuration',
  (t) => {
    const folder = t.testdir({ 'serin.yaml': '' })
    const told: string[] = []
    const files = createWatchedFiles(
      () => t.fail('nothing has changed'),
      (name) => told.push(name),
    )
    const config = configOf(
      file({ gateway: ', tls: { cert: absent/c.pem, key: absent/k.pem }' }),
      {},
      `${folder}/serin.yaml`,
    )
    const absent = ['c', 'k'].map((name) => `${folder}/absent/${name}.pem`)
    files.follow(config)
    files.follow(config)
    t.same(told, [...absent, ...absent])
    files.close()
    files.follow(config)
    t.equal(told.length, 4)
    t.end()
  },
)
