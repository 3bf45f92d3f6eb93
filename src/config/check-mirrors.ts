import { BASELINE } from '../domain/variant.ts'
import type { Checker } from './checker.ts'
import { checkVariant } from './check-split.ts'
import type { ConfigPath } from './problem.ts'

/** Checks a service's mirrors: one per variant, to variants that do not answer already, and harmless. */
export function checkMirrors(checker: Checker, service: ConfigPath): void {
  const path = [...service, 'mirror']
  const mirrors = checker.keys(path)
  if (mirrors.length === 0) return
  checkIdempotent(checker, service, path)
  const seen = new Set<string>()
  for (const i of mirrors) {
    const at = [...path, i, 'to']
    const to = checker.read<string>(at)
    if (to === undefined) continue
    if (to === BASELINE)
      checker.problem(at, `found "${to}", which answers the requests: allowed is another variant`)
    else checkVariant(checker, service, at, to)
    if (seen.has(to)) checker.problem(at, `found "${to}" twice: a variant has one mirror`)
    seen.add(to)
  }
}

/** Checks that requests may be copied; `path` is what copies them. */
export function checkIdempotent(checker: Checker, service: ConfigPath, path: ConfigPath): void {
  const idempotent = [...service, 'idempotent']
  if (checker.isSound(idempotent) && checker.read<boolean>(idempotent) !== true)
    checker.problem(
      path,
      'needs `idempotent: true` of the service: a copy is a second request, and must do nothing that one does not',
    )
}
