import type { ReloadStanding } from './admin-deps.ts'
import type { ReloadStandingJson } from './schema-reload.ts'

/** What became of the last reload, as the API shows it. */
export function presentReload({ inForceSince, refused }: ReloadStanding): ReloadStandingJson {
  return {
    inForceSince: new Date(inForceSince).toISOString(),
    refused:
      refused === null
        ? null
        : { at: new Date(refused.at).toISOString(), problems: [...refused.problems] },
  }
}
