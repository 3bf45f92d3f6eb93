/**
 * Programs outside of npm that some suites need. A suite whose program is missing skips itself by
 * name; on CI that is a failure (`tap --fail-skip`).
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What to look for on the PATH, the Debian package that ships it, and the suites that need it. */
const PROGRAMS = [
  {
    command: 'promtool',
    debian: 'prometheus',
    suites: ['e2e/metrics: promtool', 'prometheus/rules'],
  },
  { command: 'prometheus', debian: 'prometheus', suites: ['e2e/metrics: scrape', 'e2e/providers'] },
  {
    command: 'curl',
    debian: 'curl',
    suites: ['e2e/bytes: curl', 'e2e/first-canary', 'docs/shell-blocks'],
  },
  {
    command: 'redis-server',
    debian: 'redis-server',
    suites: ['store/redis', 'e2e/redis', 'e2e/redis-boot', 'e2e/edge', 'property/lives-on-redis'],
  },
  { command: 'haproxy', debian: 'haproxy', suites: ['e2e/edge'] },
  { command: 'systemd-analyze', debian: 'systemd', suites: ['deploy/systemd'] },
  { command: 'chromium', debian: 'chromium', suites: ['browser', 'docs/shell-blocks: chromium'] },
  { command: 'zsh', debian: 'zsh', suites: ['cli/completion: zsh', 'docs/shell-blocks: zsh'] },
  { command: 'fish', debian: 'fish', suites: ['cli/completion: fish', 'docs/shell-blocks: fish'] },
  { command: 'slowhttptest', debian: 'slowhttptest', suites: ['abuse/slow'] },
]

/**
 * Looks for every program and installs the Debian packages of the missing ones where this process
 * may (root, apt-get).
 *
 * @returns {{ command: string, debian: string, suites: string[] }[]} what is still missing
 */
export function providePrograms() {
  const missing = PROGRAMS.filter(({ command }) => !isOnPath(command))
  if (missing.length > 0 && process.getuid?.() === 0 && isOnPath('apt-get')) {
    install(missing.map(({ debian }) => debian))
  }
  return missing.filter(({ command }) => !isOnPath(command))
}

function install(packages) {
  console.log(`installing ${packages.join(', ')} (apt-get)`)
  const apt = (...args) =>
    spawnSync('apt-get', ['-qq', '-o', 'Dpkg::Use-Pty=0', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      // Only the programs are wanted: no questions, and no daemon started beside the tests.
      env: {
        ...process.env,
        DEBIAN_FRONTEND: 'noninteractive',
        RUNLEVEL: '1',
        SYSTEMD_OFFLINE: '1',
      },
    }).status === 0
  const add = () => apt('install', '--yes', '--no-install-recommends', ...packages)
  if (!add() && apt('update')) add()
}

function isOnPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
