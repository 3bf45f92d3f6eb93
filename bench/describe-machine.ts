import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release } from 'node:os'
import { join } from 'node:path'
import { versionOf } from './programs.ts'

/** What the figures depend on: processor, kernel and versions. `root` is the project's folder. */
export function describeMachine(root: string): Readonly<Record<string, string | number>> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  return {
    cpu: cpus()[0]!.model,
    cores: availableParallelism(),
    kernel: release(),
    node: process.version,
    nginx: versionOf('nginx', '-v'),
    haproxy: versionOf('haproxy', '-v'),
    caddy: versionOf('caddy', 'version'),
    wrk: versionOf('wrk', '-v'),
    serin: version,
  }
}
