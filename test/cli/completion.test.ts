import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import t from 'tap'
import type { Test } from 'tap'
import { skipWithout } from '../e2e/support/programs.ts'
import { createFakeDeps } from '../admin/fake-deps.ts'
import { run, serveAdmin } from './fake-io.ts'

/** A shell that knows `serin` and its completion. What the gateway is asked for is answered by a stub. */
async function prepare(t: Test, shell: 'bash' | 'zsh' | 'fish') {
  const { stdout: script } = await run(['completion', shell])
  const folder = t.testdir({ script, 'labels.ndjson': '', work: {} })
  const serin = join(folder, 'serin')
  // The words that are handed over are those of the line; the names are those of the stub.
  writeFileSync(
    serin,
    `#!/bin/sh
case "$*" in
__services*) printf 'credit-risk\\ncredit-limit\\nranking\\n' ;;
__variants*ranking*) printf 'baseline\\nchallenger-a\\nchallenger-b\\n' ;;
__variants*) ;;
*) exit 9 ;;
esac
`,
  )
  chmodSync(serin, 0o755)
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}`, HOME: folder }
  return { folder, script: join(folder, 'script'), env }
}

/** What is wanted where TAB is pressed at the end of a line. */
const CASES: readonly (readonly [
  line: string,
  wanted: readonly string[],
  not?: readonly string[],
])[] = [
  ['serin sta', ['status']],
  ['serin p', ['pause', 'plan', 'promote'], ['wait', '__services']],
  ['serin status --w', ['--watch']],
  ['serin status credit', ['credit-limit', 'credit-risk'], ['ranking']],
  ['serin status --watch -o json cr', ['credit-limit', 'credit-risk']],
  ['serin wait ranking --for ', ['paused', 'promoted', 'rolled-back'], ['credit-risk']],
  ['serin promote --reason because rank', ['ranking']],
  ['serin status -o ', ['json', 'table'], ['ranking']],
  ['serin completion ', ['bash', 'fish', 'zsh']],
  ['serin feedback lab', ['labels.ndjson']],
  ['serin check -c lab', ['labels.ndjson']],
  ['serin help rel', ['reload']],
  ['serin promote --reason because ranking chall', ['challenger-a', 'challenger-b'], ['baseline']],
  ['serin promote ranking --variant ', ['baseline', 'challenger-a', 'challenger-b']],
  ['serin backtest ranking --variant chall', ['challenger-a', 'challenger-b'], ['credit-risk']],
  ['serin promote credit-risk ', [], ['baseline', 'challenger-a']],
  ['serin weights cr', ['credit-limit', 'credit-risk'], ['canary=']],
  ['serin weights ranking ca', ['canary='], ['baseline=', 'challenger-a']],
  ['serin weights ranking --reason because ', ['baseline=', 'canary=']],
]

function check(
  t: Test,
  line: string,
  found: readonly string[],
  wanted: readonly string[],
  not: readonly string[],
) {
  for (const word of wanted)
    t.ok(found.includes(word), `${line} → ${word}; found ${found.join(' ')}`)
  for (const word of not) t.notOk(found.includes(word), `${line} → no ${word}`)
}

t.test(
  'bash completes commands, options, values, files, services, variants and weights.',
  async (t) => {
    const { folder, script, env } = await prepare(t, 'bash')
    for (const [line, wanted, not = []] of CASES) {
      const words = line.split(' ')
      const program = `source '${script}'; cd '${folder}'
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_serin; printf '%s\\n' "\${COMPREPLY[@]}"`
      const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-c', program], {
        env,
        encoding: 'utf8',
        timeout: 30_000,
      })
      t.equal(stderr, '', line)
      t.equal(status, 0)
      check(t, line, stdout.trim().split('\n'), wanted, not)
    }
  },
)

t.test('zsh completes them too.', skipWithout('zsh'), async (t) => {
  const { folder, script, env } = await prepare(t, 'zsh')
  // A real line editor in a terminal of its own; what it offers is listed, and the list is read.
  const program = `zmodload zsh/zpty
zpty -w shell 2>/dev/null; zpty shell zsh -f -i
zpty -w shell "PS1=; stty cols 200 rows 50; unset zle_bracketed_paste; cd '${folder}'"
zpty -w shell "autoload -Uz compinit; compinit -u -D; source '${script}'; bindkey '^I' list-choices; zstyle ':completion:*' list-separator '--'"
zpty -w shell "echo rea''dy"
while zpty -r shell line; do [[ $line = *ready* ]] && break; done
zpty -n -w shell "$LINE"$'\\t'
sleep_until=$((SECONDS + 20))
out=
while (( SECONDS < sleep_until )); do
  if zpty -r -t shell chunk; then out+=$chunk; else
    [[ $out = *$WANTED* && -n $settled ]] && break
    [[ $out = *$WANTED* ]] && settled=1
    zselect -t 20 2>/dev/null || sleep 0.2
  fi
done
print -r -- "$out"
zpty -d shell`
  for (const [line, wanted, not = []] of CASES.filter(([, words]) => words.length > 1)) {
    const { stdout } = spawnSync('zsh', ['-f', '-c', program], {
      env: { ...env, LINE: line, WANTED: wanted.at(-1), TERM: 'dumb' },
      encoding: 'utf8',
      timeout: 60_000,
    })
    check(t, line, stdout.split(/[\s()]+/), wanted, not)
  }
})

t.test('fish completes them too.', skipWithout('fish'), async (t) => {
  const { folder, script, env } = await prepare(t, 'fish')
  for (const [line, wanted, not = []] of CASES) {
    const program = `source '${script}'; cd '${folder}'; complete -C '${line}'`
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', program], {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    })
    t.equal(stderr, '', line)
    check(
      t,
      line,
      stdout
        .trim()
        .split('\n')
        .map((found) => found.split('\t')[0]!),
      wanted,
      not,
    )
  }
})

t.test(
  'The names of services are asked of the gateway that the line names, and never fail.',
  async (t) => {
    const admin = await serveAdmin(t, createFakeDeps())
    const names = 'credit-risk\nfixed\n'
    const given = ['__services', 'wait', '--for', 'promoted', '--admin', admin, '--tim', 'cr']
    t.same(await run(given), { exitCode: 0, stdout: names, stderr: '' })
    const env = { SERIN_ADMIN: admin }
    t.equal((await run(['__services', 'status', '-w', ''], { env })).stdout, names)
    for (const url of ['http://127.0.0.1:1', 'nonsense']) {
      const none = await run(['__services', 'status'], { env: { SERIN_ADMIN: url } })
      t.same(none, { exitCode: 0, stdout: '', stderr: '' })
    }
    t.notMatch((await run(['--help'])).stdout, '__services')
  },
)

t.test('The names of variants are those of the fixed split that the line names.', async (t) => {
  const admin = await serveAdmin(t, createFakeDeps())
  const variantsOf = (...words: readonly string[]) =>
    run(['__variants', ...words], { env: { SERIN_ADMIN: admin } })
  const names = { exitCode: 0, stdout: 'baseline\ncanary\n', stderr: '' }
  t.same(await variantsOf('promote', '--reason', 'because', 'fixed', 'can'), names)
  t.same(await variantsOf('fixed', '--variant'), names)
  const none = { ...names, stdout: '' }
  t.same(await variantsOf('promote', 'credit-risk', ''), none, 'it has a rollout')
  t.same(await variantsOf('promote', 'another', ''), none)
  t.same(await variantsOf('promote'), none)
  t.same(await run(['__variants', 'fixed', '--admin', 'http://127.0.0.1:1']), none)
  t.notMatch((await run(['--help'])).stdout, '__variants')
})

t.test('Another shell than these is refused with those that there are.', async (t) => {
  const { exitCode, stderr } = await run(['completion', 'tcsh'])
  t.equal(exitCode, 1)
  t.match(stderr, /Allowed choices are bash, zsh, fish/)
})
