import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'

const SUITE = `
import t from 'tap'
const wait = () => new Promise((resolve) => setTimeout(resolve, 100))
t.test('throws later', async () => {
  setTimeout(() => { throw new Error('late') })
  await wait()
})
t.test('has others', async (t) => {
  await t.test('rejects', async () => {
    void Promise.reject(new Error('nobody waits'))
    await wait()
  })
})
t.test('is fine', async (t) => t.pass())
t.test('leaves something behind', async () => {
  setTimeout(() => { throw new Error('at the end') }, 50)
})
`

t.test('An error that nobody catches fails the test that runs, and none is lost.', async (t) => {
  const file = join(t.testdir({ 'x.test.js': SUITE }), 'x.test.js')
  const { status, stdout } = spawnSync(process.execPath, ['.ci/suites-of-group.mjs', 'uncaught'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], SUITES: JSON.stringify([file]) },
  })
  t.equal(status, 1)
  t.match(stdout, /^not ok 1 - throws later/m)
  t.match(stdout, /^ {4}not ok 1 - rejects/m)
  t.match(stdout, /^ok 3 - is fine/m)
  t.match(stdout, /^not ok \d+ - at the end/m)
})
