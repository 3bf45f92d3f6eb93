import type { ReloadStanding } from './admin-deps.ts'
import type { ReloadStandingSchema } from './schema-reload.ts'
import type { Json } from './schema-value.ts'

/** What became of the last reload, as the API shows it. */
export type ReloadStandingJson = Json<typeof ReloadStandingSchema>

/** Builds the JSON of what became of the last reload. */
export function presentReload({ inForceSince, refused }: ReloadStanding): ReloadStandingJson {
  return {
    inForceSince: new Date(inForceSince).toISOString(),
    refused:
      refused === null
        ? null
        : { at: new Date(refused.at).toISOString(), problems: [...refused.problems] },
  }
}
