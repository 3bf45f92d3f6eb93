import { isIP } from 'node:net'
import type { Checker } from './checker.ts'
import type { ConfigPath } from './problem.ts'

/** Checks that a variant's `tls` can mean something: for whom, and with both halves of a pair. */
export function checkUpstreamTls(checker: Checker, variant: ConfigPath): void {
  const tls = [...variant, 'tls']
  const names = checker.keys(tls)
  for (const [one, other] of [
    ['cert', 'key'],
    ['key', 'cert'],
  ] as const) {
    if (names.includes(one) && !names.includes(other))
      checker.problem(
        [...tls, one],
        `found without ${other}: name both, or neither to show no certificate`,
      )
  }
  const servername = checker.read<string>([...tls, 'servername'])
  if (servername !== undefined && isIP(servername) !== 0)
    checker.problem(
      [...tls, 'servername'],
      `found "${servername}", which is an address: allowed is a DNS name; without one, an upstream that is named by its address is verified by that`,
    )
  const upstreams = checker.read<readonly string[]>([...variant, 'upstreams'])
  if (checker.keys(variant).includes('tls') && upstreams?.every((upstream) => !isHttps(upstream)))
    checker.problem(
      tls,
      'no upstream of this variant is https: write https:// in upstreams, or leave tls out',
    )
}

function isHttps(upstream: string): boolean {
  return /^https:/i.test(upstream)
}
