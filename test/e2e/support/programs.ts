import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Options of a test that needs this program: where it is not on the PATH, the test skips itself by name. */
export function skipWithout(program: string): { readonly skip: string | false } {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const isThere = folders.some((folder) => existsSync(join(folder, program)))
  return { skip: isThere ? false : `there is no ${program} on this machine` }
}
