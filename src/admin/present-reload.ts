import type { ReloadStanding } from './admin-deps.ts'
import type { ReloadedSchema, ReloadStandingSchema } from './schema-reload.ts'
import type { Json } from './schema-value.ts'

/** What became of the last reload, as the API shows it. */
export type ReloadStandingJson = Json<typeof ReloadStandingSchema>

/** A reload that was taken, as the API shows it. */
export type ReloadedJson = Json<typeof ReloadedSchema>

/** Builds the JSON of what became of the last reload. */
export function presentReload({
  inForceSince,
  waiting,
  refused,
}: ReloadStanding): ReloadStandingJson {
  return {
    inForceSince: new Date(inForceSince).toISOString(),
    waiting: [...waiting],
    refused:
      refused === null
        ? null
        : { at: new Date(refused.at).toISOString(), problems: [...refused.problems] },
  }
}
