import type { ReloadStandingJson } from '../admin/present-reload.ts'
import { renderTime } from './render-command.ts'
import { wrap } from './render.ts'

/** How many mistakes are told: a key in the wrong place may bring many that are its consequence. */
const MOST_TOLD = 10

/**
 * Says that the gateway did not take the file as it read it last, what runs on, and why; null = it did. Such a file
 * is easily missed, since all that runs is well.
 */
export function describeRefusal(reload: ReloadStandingJson): string | null {
  const found = tellRefusal(reload)
  return found === null ? null : `${found.head}: ${found.problems.join('; ')}`
}

/** The same in lines of at most `width`, each mistake in lines of its own; empty = it did. */
export function renderRefusal(reload: ReloadStandingJson, width: number): readonly string[] {
  const found = tellRefusal(reload)
  if (found === null) return []
  return [
    ...wrap(`${found.head}:`, width),
    ...found.problems.flatMap((problem) => wrap(problem, width - 2).map((line) => `  ${line}`)),
  ]
}

/** Says what the store has not taken up of the configuration in force; null = nothing. */
export function describeWaiting({ inForceSince, waiting }: ReloadStandingJson): string | null {
  if (waiting.length === 0) return null
  const since = renderTime(inForceSince)
  return `the configuration of ${since} is in force, and the store has not taken up all of it: ${waiting.join('; ')}`
}

function tellRefusal({
  inForceSince,
  refused,
}: ReloadStandingJson): { readonly head: string; readonly problems: readonly string[] } | null {
  if (refused === null) return null
  const { at, problems } = refused
  const more = problems.length - MOST_TOLD
  return {
    head: `the file read at ${renderTime(at)} was refused, and the configuration of ${renderTime(inForceSince)} stays in force`,
    problems: [
      ...problems.slice(0, MOST_TOLD),
      ...(more > 0 ? [`and ${more} more: \`serin check\``] : []),
    ],
  }
}
