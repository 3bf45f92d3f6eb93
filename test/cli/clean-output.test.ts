import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { CliOutput } from '../../src/cli/cli-io.ts'
import { cleanOutput, cleanText } from '../../src/cli/clean-output.ts'
import { createRepainter } from '../../src/cli/repainter.ts'
import { createFakeDeps } from '../admin/fake-deps.ts'
import { run, serveAdmin } from './fake-io.ts'

/** Moves, clears, sets the title, hides; C1; turns the direction of writing; breaks a line. */
const EVIL = '\u001B[2J\u001B]0;x\u0007\u001B[8m\u009B1A\r\b\u007F\u202E\u2066\u2028'
const SHOWN =
  '\\u001b[2J\\u001b]0;x\\u0007\\u001b[8m\\u009b1A\\u000d\\u0008\\u007f\\u202e\\u2066\\u2028'

t.test('What would steer a terminal is shown as JSON writes it, and the rest as it is.', (t) => {
  t.equal(cleanText(`a ${EVIL} b\n`, true), `a ${SHOWN} b\n`)
  const text = '\tπ ≤ 5 %, 猫\u200D👩‍🔬\n'
  t.equal(cleanText(text, false), text)
  t.equal(cleanText('\uD83D', false), '\\ud83d')
  const json = JSON.stringify({ note: EVIL })
  t.same(JSON.parse(cleanText(json, false)), { note: EVIL })
  const painted = '\u001B[1m\u001B[32mgood\u001B[39m\u001B[22m'
  t.equal(cleanText(painted, true), painted)
  t.notMatch(cleanText(painted, false), '\u001B')
  t.end()
})

t.test('What is drawn moves the cursor, and its lines are clean.', (t) => {
  let written = ''
  const terminal = { write: (text: string) => void (written += text), isTTY: true, columns: 0 }
  const output = cleanOutput(terminal, true)
  createRepainter(output).paint([`name ${EVIL}`])
  t.equal(written, `name ${SHOWN}\u001B[K\n\u001B[J`)
  terminal.columns = 120
  t.match(output, { isTTY: true, columns: 120, rows: undefined })
  t.end()
})

t.test('Nothing of a file or an answer steers the terminal of a command.', async (t) => {
  const terminal: CliOutput = { write: () => undefined, isTTY: true }
  const file = join(t.testdir({}), 'evil.yaml')
  writeFileSync(file, 'version: 1\n"a\\e[2J\\u202E": 1\nservices: {}\n')
  const check = await run(['check', '-c', file], { stdout: terminal })
  t.ok(check.stderr.includes('unknown key "a\\u001b[2J\\u202e"'), check.stderr)

  const server = createServer((_req, res) => {
    res.writeHead(422, { 'content-type': 'application/problem+json' })
    res.end(JSON.stringify({ code: 'SERIN_CONFIG_INVALID', detail: EVIL, problems: [EVIL] }))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const reload = await run(['reload', '--admin', `http://127.0.0.1:${port}`], { stdout: terminal })
  t.ok(reload.stderr.startsWith(`serin: ${SHOWN}. `), reload.stderr)
  t.ok(reload.stderr.includes(`\n  ${SHOWN}`), reload.stderr)

  const lines = join(t.testdirName, 'f.ndjson')
  writeFileSync(lines, '{}\n')
  const rejected = [{ line: 1, error: `unknown service ${EVIL}` }]
  const report = { joined: 0, unmatched: 0, late: 0, duplicate: 0, unscored: 0, rejected }
  const url = await serveAdmin(
    t,
    createFakeDeps({ feedback: async () => ({ ...report, joined: 1 }) }),
  )
  const feedback = await run(['feedback', lines, '--admin', url], { stdout: terminal })
  t.match(feedback.stdout, `line 1: unknown service ${SHOWN}`)
  const painted = await run(['status', '--admin', url], { stdout: terminal })
  t.match(painted.stdout, '\u001B[1m', 'its own colours stay')
})
