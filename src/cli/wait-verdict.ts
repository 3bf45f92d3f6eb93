import type { ServiceJson } from '../admin/present.ts'
import { isDecided } from '../domain/comparison.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import { VERDICT_WORDS } from './render-comparison.ts'
import { formatSeconds } from './render.ts'

/** What is waited for, and how it is told. */
export type Goal = {
  /** Whether the service has come to it; `first`: as it was when the wait began. Throws where it has come to another end. */
  readonly hasEnded: (service: ServiceJson, first: ServiceJson) => boolean
  readonly renderEnd: (service: ServiceJson) => string
  /** What it is still, after `<service> is still`. */
  readonly describeOpen: (service: ServiceJson) => string
  readonly describeProgress: (service: ServiceJson) => string
}

/**
 * Waits until each challenger of a fixed split has a verdict over all, whatever it is. Another experiment, a winner, and a
 * split that is not as drawn are other ends. Throws where there is nothing to wait for.
 */
export function waitForVerdict({ name, comparisons }: ServiceJson): Goal {
  if (!comparisons.some(({ metrics }) => isDecided(metrics))) {
    const why = comparisons.length === 0 ? 'compares nothing' : 'has no metric that decides'
    throw new CliExit(EXIT.refused, `service "${name}" ${why}: there is no verdict to wait for`)
  }
  return { hasEnded, renderEnd, describeOpen, describeProgress }
}

function hasEnded(service: ServiceJson, first: ServiceJson): boolean {
  const { name, rollout, winner, phase, comparisons } = service
  const otherwise = (what: string) => new CliExit(EXIT.otherEnd, `${name}: ${what}`, { phase })
  if (rollout !== first.rollout) {
    throw otherwise(`another experiment began (${rollout ?? 'none'} instead of ${first.rollout})`)
  }
  if (winner !== null) throw otherwise(`${winner} has all of the traffic, and nothing is compared`)
  const mismatched = comparisons.find((each) => each.mismatched)
  if (mismatched !== undefined) {
    throw otherwise(
      `requests are not shared out between ${mismatched.variant} and the baseline as drawn: nothing is to be relied on (\`serin explain ${name}\`)`,
    )
  }
  return comparisons.every(({ verdict }) => verdict !== 'unknown')
}

function renderEnd({ name, comparisons }: ServiceJson): string {
  return `${name}: ${describe(comparisons)}\n`
}

function describeOpen({ comparisons }: ServiceJson): string {
  return `open (${describe(comparisons)})`
}

function describeProgress({ name, comparisons }: ServiceJson): string {
  const etas = comparisons.flatMap(({ etaSeconds }) => etaSeconds ?? [])
  const eta = etas.length === 0 ? '' : `  known in about ${formatSeconds(Math.max(...etas))}`
  return `${name}  ${describe(comparisons)}${eta}`
}

function describe(comparisons: ServiceJson['comparisons']): string {
  return comparisons
    .map(({ variant, verdict }) => `${variant} ${VERDICT_WORDS[verdict]}`)
    .join(', ')
}
