import t from 'tap'
import { runStubbedDemo } from './run-stubbed-demo.ts'

t.test('a gateway that dies is told with its last words, and exits 1', async (t) => {
  const { code, text } = await runStubbedDemo(t, 'dies')
  t.equal(code, 1)
  t.match(text, /could not be run to its end: the gateway ended by itself \(exit code 3\)/)
  t.match(text, /The gateway's last words:\nstub gateway: started/)
})

t.test('with --json a failure is one object too', async (t) => {
  const { code, text } = await runStubbedDemo(t, 'dies', { json: true })
  t.equal(code, 1)
  t.match(JSON.parse(text), { ok: false, problems: [/ended by itself/], gatewayLog: /started/ })
})

t.test('data that is not there is told before anything is started', async (t) => {
  const { code, text } = await runStubbedDemo(t, 'as-expected', {
    files: { dataFile: 'absent.json' },
  })
  t.equal(code, 1)
  t.match(text, /could not be run to its end: ENOENT.*absent\.json/)
})

t.test('a model server that does not start is told with its own words', async (t) => {
  const files = { modelEntry: `${t.testdirName}/broken-model.mjs` }
  const { code, text } = await runStubbedDemo(t, 'as-expected', { files })
  t.equal(code, 1)
  t.match(text, /the model server of mpg-\w+ \d\.\d did not start: [^]*no such model/)
})

t.test('a gateway that does not get ready is given up', async (t) => {
  const { code, text } = await runStubbedDemo(t, 'never-ready', { limits: { startMs: 1000 } })
  t.equal(code, 1)
  t.match(text, /could not be run to its end: not everything was up after 1 s/)
})

t.test('Ctrl-C while the models are trained ends everything and exits 130', async (t) => {
  const { code, text } = await runStubbedDemo(t, 'as-expected', {}, signalOn(/Training/, 'SIGINT'))
  t.equal(code, 130)
  t.notMatch(text, /could not be run/)
})

t.test('Ctrl-C in mid-rollout ends everything and exits 130', async (t) => {
  const { code, text } = await runStubbedDemo(
    t,
    'never-promotes',
    {},
    signalOn(/It starts at/, 'SIGINT'),
  )
  t.equal(code, 130)
  t.notMatch(text, /could not be run/)
})

/** A callback for `runStubbedDemo` that sends this process a signal the first time a pattern is printed. */
function signalOn(pattern: RegExp, signal: NodeJS.Signals): (text: string) => void {
  let sent = false
  return (text) => {
    if (sent || !pattern.test(text)) return
    sent = true
    process.kill(process.pid, signal)
  }
}
