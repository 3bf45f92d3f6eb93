import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** A model server in a process of its own. */
export type ModelProcess = { readonly origin: string; readonly kill: () => Promise<void> }

/** Starts one of the model servers beside this file, which prints its port; it ends with the test. */
export async function startModelProcess(
  t: Test,
  program: string,
  argument: number,
): Promise<ModelProcess> {
  const file = fileURLToPath(new URL(program, import.meta.url))
  const child = spawn(process.execPath, [file, String(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  t.teardown(kill)
  const [line] = await once(child.stdout, 'data')
  return { origin: `http://127.0.0.1:${Number(String(line))}`, kill }
}
