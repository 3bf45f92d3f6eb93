import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { ShellBlock } from './blocks.ts'
import { outputPattern } from './output-pattern.ts'
import { runShell, type ShellRun } from '../../support/run-shell.ts'
import { PROGRAM } from '../../support/program.ts'

const STAND_IN = fileURLToPath(new URL('stand-in.js', import.meta.url))

/** Programs of other people that no test can run; see `stand-in.ts` for what is checked instead. */
export type StandIn = 'docker' | 'kubectl' | 'npm'

export type StageOptions = {
  /** Files of the folder by their paths, with ports as the pages have them. */
  readonly files?: Readonly<Record<string, string>>
  /** The real port for each that the pages name. */
  readonly ports?: Readonly<Record<string, number>>
  readonly standIns?: readonly StandIn[]
  /** Scripts of sh that stand before programs on the PATH, by their names. */
  readonly programs?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

export type BlockOptions = {
  /** What stands for the reader's own: a request id for `…`, say. */
  readonly replace?: readonly (readonly [shown: string, real: string])[]
  /** Lines of the shown output that chance may leave out, or others may stand beside. */
  readonly varies?: readonly RegExp[]
  /** Figures are no others than those that the page shows. */
  readonly isExact?: boolean
  /** Waits before a command of a transcript, until things are as the page says. */
  readonly before?: (script: string) => Promise<unknown>
}

/** A folder in which blocks are run as a reader would run them, with `serin` on the PATH. */
export type Stage = {
  readonly folder: string
  /** Runs a script as it stands. */
  readonly sh: (t: Test, script: string) => Promise<ShellRun>
  /** Runs a block; every command has to end with 0, and to print what the page shows. Gives all of stdout. */
  readonly run: (t: Test, block: ShellBlock, options?: BlockOptions) => Promise<string>
}

/** Lays out an empty folder, with the programs of the pages on the PATH. */
export function layStage(t: Test, options: StageOptions = {}): Stage {
  const { files = {}, ports = {}, standIns = [], programs = {}, env = {} } = options
  const folder = t.testdir({})
  const bin = join(folder, '.bin')
  mkdirSync(bin)
  const program = (name: string, text: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  // A gateway in the foreground leaves its number, so that it can be ended once it listens.
  program(
    'serin',
    `[ "$1" = serve ] && echo $$ > "${folder}/.serve.pid"\nexec "${process.execPath}" "${PROGRAM}" "$@"`,
  )
  for (const name of standIns) {
    program(name, `exec "${process.execPath}" "${STAND_IN}" ${name} "$@"`)
  }
  for (const [name, text] of Object.entries(programs)) program(name, text)
  // What the real curl takes from its user: an answer that refuses is a failure, and there is no progress to see.
  writeFileSync(join(folder, '.curlrc'), 'fail-with-body\nsilent\nshow-error\n')

  const all = {
    ...{
      ...process.env,
      HOME: folder,
      SERIN_ADMIN: `http://127.0.0.1:${ports['9090'] ?? 9}`,
      ...env,
    },
    PATH: `${bin}:${process.env['PATH']}`,
  }
  const onPorts = (text: string) =>
    Object.entries(ports).reduce(
      (found, [port, real]) => found.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(real)),
      text,
    )
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), onPorts(text))
  }
  const endServe = () =>
    process.kill(Number(readFileSync(join(folder, '.serve.pid'), 'utf8')), 'SIGTERM')

  const sh: Stage['sh'] = (t, script) => {
    let isEnding = false
    return runShell(t, folder, `set -euo pipefail\n${script}`, all, (so) => {
      if (isEnding || !so.includes('"msg":"listening"')) return
      isEnding = true
      endServe()
    })
  }
  const run: Stage['run'] = async (t, block, given = {}) => {
    const { replace = [], varies = [], isExact = false, before = async () => {} } = given
    const where = `${block.page}:${block.line}`
    let printed = ''
    for (const { script: shown, output } of block.commands) {
      const script = replace.reduce((text, [one, other]) => {
        t.ok(block.text.includes(one), `${where}: ${one} is there to be replaced`)
        return text.replaceAll(one, other)
      }, shown)
      await before(script)
      const result = await sh(t, onPorts(script))
      const name = `${where}: ${shown.trim().split('\n')[0]}`
      t.equal(result.code, 0, `${name} ends well`, { said: told(result) })
      printed += result.stdout
      if (output === null) continue
      const isShown = isExact
        ? result.stdout === output
        : outputPattern(output, varies).test(result.stdout)
      t.ok(isShown, `${name} prints what the page shows`, { printed: result.stdout, shown: output })
    }
    t.comment(`${where}: ran ${block.lines} ${block.lines === 1 ? 'line' : 'lines'}`)
    return printed
  }
  return { folder, sh, run }
}

function told({ stdout, stderr }: ShellRun): string {
  return [stdout, stderr].map((text) => text.slice(-2_000)).join('\n')
}
