import type { ReloadStandingJson } from '../../present-reload.ts'
import { Sentence } from '../parts/sentence.tsx'

/** Says that the gateway did not take the file as it read it last, and what runs on; nothing where it did. */
export function RefusedReload({
  reload: { inForceSince, refused },
}: {
  readonly reload: ReloadStandingJson
}) {
  if (refused === null) return null
  const [first, ...more] = refused.problems
  return (
    // Times as they are, not how long ago: what is said aloud would change with every second.
    <p class="refused-reload" role="status">
      The file read at <Time iso={refused.at} /> was refused: <Sentence text={first!} />
      {more.length > 0 && (
        <>
          {' '}
          (and {more.length} more: <code>serin check</code>)
        </>
      )}
      ; the configuration of <Time iso={inForceSince} /> stays in force.
    </p>
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
