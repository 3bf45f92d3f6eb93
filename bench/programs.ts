import { spawnSync } from 'node:child_process'

/** Debian's package of each program that the benchmark runs. */
const PACKAGES: Readonly<Record<string, string>> = {
  taskset: 'util-linux',
  wrk: 'wrk',
  nginx: 'nginx-light',
}

/** @throws with the command that installs what is missing */
export function requirePrograms(names: readonly string[]): void {
  const missing = names.filter((name) => spawnSync(name, ['--version']).error !== undefined)
  if (missing.length === 0) return
  const packages = missing.map((name) => PACKAGES[name] ?? name).join(' ')
  throw new Error(`the benchmark needs ${missing.join(', ')}: apt-get install ${packages}`)
}

/** First line of what a program says of its version, on either stream. */
export function versionOf(name: string, flag: string): string {
  const { stdout, stderr } = spawnSync(name, [flag], { encoding: 'utf8' })
  return `${stdout}${stderr}`.trim().split('\n')[0] ?? ''
}
