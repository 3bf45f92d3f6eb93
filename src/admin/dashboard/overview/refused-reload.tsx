import type { ReloadStandingJson } from '../../present-reload.ts'
import { Sentence } from '../parts/sentence.tsx'

/** How many mistakes are told: a key in the wrong place may bring many that are its consequence. */
const MOST_TOLD = 10

/**
 * Says that the gateway did not take the file as it read it last, what runs on, and each mistake; nothing where it
 * did.
 */
export function RefusedReload({
  reload: { inForceSince, refused },
}: {
  readonly reload: ReloadStandingJson
}) {
  if (refused === null) return null
  const more = refused.problems.length - MOST_TOLD
  return (
    // Times as they are, not how long ago: what is said aloud would change with every second.
    <div class="refused-reload" role="status">
      <p>
        The file read at <Time iso={refused.at} /> was refused, and the configuration of{' '}
        <Time iso={inForceSince} /> stays in force:
      </p>
      <ul>
        {refused.problems.slice(0, MOST_TOLD).map((problem, i) => (
          <li key={i}>
            <Sentence text={problem} />
          </li>
        ))}
        {more > 0 && (
          <li>
            and {more} more: <code>serin check</code>
          </li>
        )}
      </ul>
    </div>
  )
}

function Time({ iso }: { readonly iso: string }) {
  return <time dateTime={iso}>{new Date(iso).toLocaleString()}</time>
}

/** Says what the store has not taken up of the configuration in force; nothing where it has all of it. */
export function WaitingReload({
  reload: { inForceSince, waiting },
}: {
  readonly reload: ReloadStandingJson
}) {
  if (waiting.length === 0) return null
  return (
    <p class="refused-reload" role="status">
      The configuration of <Time iso={inForceSince} /> is in force, and the store has not taken up
      all of it: <Sentence text={waiting.join('; ')} />.
    </p>
  )
}
