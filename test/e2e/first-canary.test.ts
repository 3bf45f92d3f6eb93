import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runShell } from '../support/run-shell.ts'
import { freePort } from '../support/free-port.ts'
import { PROGRAM } from '../support/program.ts'

const PAGE = 'docs/first-canary.md'

/** Ports that the page names: each becomes a free one, since a test must not meet what runs on the machine. */
const PORTS = ['8001', '8002', '8003', '8080', '9090']

/** What the test shortens: more users come, no more than are answered, and nothing is watched at leisure. */
const FASTER = [
  [
    'setInterval(() => ask().catch(() => {}), 10)',
    `const user = () => ask().catch(() => {}).finally(() => setTimeout(user, 10))
for (let n = 0; n < 5; n++) user()`,
  ],
  ['minDuration: 5s', 'minDuration: 1s'],
  ['watch: 10s', 'watch: 500ms'],
] as const

t.test('every command of the page does what the page says, in its order', async (t) => {
  t.setTimeout(400_000)
  let text = readFileSync(PAGE, 'utf8')
  const free = await Promise.all(PORTS.map(() => freePort()))
  PORTS.forEach((port, i) => (text = text.replaceAll(port, String(free[i]))))

  for (const [slow, fast] of FASTER) {
    t.ok(text.includes(slow), slow)
    text = text.replaceAll(slow, fast)
  }

  const folder = t.testdir({ bin: {} })
  writeFileSync(
    join(folder, 'bin/serin'),
    `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`,
    {
      mode: 0o755,
    },
  )
  const commands: string[] = []
  const outputs: string[] = []
  for (const [, language, file, body] of text.matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm)) {
    if (language === 'sh') commands.push(body!)
    else if (language === 'text') outputs.push(body!)
    else if (file !== undefined) writeFileSync(join(folder, file), body!)
  }
  t.ok(commands.length >= 8, `${commands.length} blocks of commands`)

  const { code, stdout, stderr } = await runShell(t, folder, ['set -e', ...commands].join('\n'), {
    ...process.env,
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    SERIN_ADMIN: `http://127.0.0.1:${free[PORTS.indexOf('9090')]}`,
  })
  t.comment(stdout)
  t.equal(code, 0, stderr)
  t.match(stdout, /Decision \d+ of price \(2\.0->3\.0#1\): the canary was rolled back/)
  // Whatever the page shows was printed: all of it is known beforehand, since plans have no chance in them.
  t.ok(outputs.length >= 3)
  for (const output of outputs) t.ok(stdout.includes(output), output)
})
