import type { Checker } from './checker.ts'
import { hookName } from './hook-name.ts'
import type { ConfigPath } from './problem.ts'
import { adviseVariable } from './substitute-env.ts'
import type { RawNotify } from './schema-notify.ts'

/** Checks a service's webhooks: that each can be called, that none is named twice, and who may confirm. */
export function checkNotify(checker: Checker, service: ConfigPath): void {
  const notify = [...service, 'notify']
  const seen = new Set<string>()
  for (const i of checker.keys(notify)) {
    const at = [...notify, i]
    const url = checker.read<string>([...at, 'url'])
    if (url !== undefined) checkUrl(checker, [...at, 'url'], url, seen)
    const on = checker.read<RawNotify[number]['on']>([...at, 'on'])
    const template = checker.read<string>([...at, 'template'])
    if (on?.includes('confirm-promotion') === true && template === 'slack')
      checker.problem(
        [...at, 'on'],
        'asks for confirm-promotion of a Slack hook, which answers 200 to everything and so confirms every promotion',
      )
  }
  const isDecided =
    checker.keys(service).includes('rollout') ||
    checker.keys([...service, 'split']).includes('weights')
  if (checker.keys(notify).length > 0 && !isDecided)
    checker.warn(notify, 'is not used: the service has neither a rollout nor split.weights')
}

function checkUrl(checker: Checker, path: ConfigPath, url: string, seen: Set<string>): void {
  if (!isCallable(url))
    checker.problem(
      path,
      `found ${hookName(url)}, which is no address that can be called${adviseVariable(hostOf(url))}`,
    )
  else if (seen.has(url))
    checker.problem(
      path,
      `found ${hookName(url)} twice: name all of its events in one \`on\` (what was sent is remembered by address)`,
    )
  seen.add(url)
}

// As it was written: a URL has the host in lower case.
function hostOf(url: string): string {
  return url.split(/[/?#]/)[2]!.split('@').at(-1)!
}

function isCallable(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { username, password, host } = new URL(url)
  if (host.includes('$')) return false
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}
