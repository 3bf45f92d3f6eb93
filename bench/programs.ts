import { spawnSync } from 'node:child_process'

/** Debian's package of each program that the benchmark runs. */
const PACKAGES: Readonly<Record<string, string>> = {
  taskset: 'util-linux',
  chrt: 'util-linux',
  wrk: 'wrk',
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  caddy: 'caddy',
}

/** @throws with the command that installs what is missing */
export function requirePrograms(names: readonly string[]): void {
  const missing = names.filter((name) => spawnSync(name, ['--version']).error !== undefined)
  if (missing.length === 0) return
  const packages = new Set(missing.map((name) => PACKAGES[name] ?? name))
  throw new Error(
    `the benchmark needs ${missing.join(', ')}: apt-get install ${[...packages].join(' ')}`,
  )
}

/** What a program says of its version, on either stream; empty when it is not installed. */
export function versionOf(name: string, argument: string): string {
  const { stdout, stderr } = spawnSync(name, [argument], { encoding: 'utf8' })
  return /\d+\.\d+[^\s,]*/.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[0] ?? ''
}
