import type { ReloadStandingJson } from '../admin/present-reload.ts'
import { renderTime } from './render-command.ts'

/**
 * Says that the gateway did not take the file as it read it last, and what runs on; null = it did. Such a file
 * is easily missed, since all that runs is well.
 */
export function describeRefusal({ inForceSince, refused }: ReloadStandingJson): string | null {
  if (refused === null) return null
  const { at, problems } = refused
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more: \`serin check\`)` : ''
  return `the file read at ${renderTime(at)} was refused: ${problems[0]}${more}; the configuration of ${renderTime(inForceSince)} stays in force`
}

/** Says what the store has not taken up of the configuration in force; null = nothing. */
export function describeWaiting({ inForceSince, waiting }: ReloadStandingJson): string | null {
  if (waiting.length === 0) return null
  const since = renderTime(inForceSince)
  return `the configuration of ${since} is in force, and the store has not taken up all of it: ${waiting.join('; ')}`
}
