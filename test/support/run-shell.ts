import { spawn } from 'node:child_process'
import type { Test } from 'tap'

/** How a script ended, with what it printed until then. */
export type ShellRun = {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a script of bash in a group of its own, which is killed with the test: so ends what the script leaves running in
 * the background. `heard` is given what is on stdout so far.
 */
export function runShell(
  t: Test,
  cwd: string,
  script: string,
  env: Readonly<Record<string, string | undefined>>,
  heard: (stdout: string) => void = () => {},
): Promise<ShellRun> {
  const shell = spawn('bash', ['-c', script], {
    ...{ cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  })
  t.teardown(() => {
    try {
      process.kill(-shell.pid!, 'SIGKILL')
    } catch {
      // All of them have ended, as they should.
    }
  })
  let stdout = ''
  let stderr = ''
  shell.stdout!.setEncoding('utf8').on('data', (part: string) => heard((stdout += part)))
  shell.stderr!.setEncoding('utf8').on('data', (part: string) => (stderr += part))
  return new Promise((resolve, reject) => {
    shell.once('error', reject)
    // Not `close`: what it has left running in the background holds the pipes open.
    shell.once('exit', (code) => setImmediate(() => resolve({ code, stdout, stderr })))
  })
}
