import type { LmdbBundles } from './lmdb-bundles.ts'
import type { LmdbEnvironment } from './lmdb-environment.ts'
import type { LmdbLanes } from './lmdb-lanes.ts'

/** Cohorts that are moved in one transaction. */
const SLICE = 2048

/**
 * Moves archived cohorts from where version 1 of the layout had them into bundles, in slices, each whole or not at all.
 * Counts stay as they are: nothing else changes.
 */
export async function moveArchive(
  env: LmdbEnvironment,
  { lanes, bundles }: { readonly lanes: LmdbLanes; readonly bundles: LmdbBundles },
): Promise<void> {
  const { archive } = env.tables
  const moveSlice = (): boolean => {
    const slice = [...archive.getRange({ limit: SLICE })]
    for (const { key, value } of slice) {
      const [service, number] = key as [string, number]
      bundles.put(lanes.placeOf(service), number, value)
      void archive.remove(key)
    }
    return slice.length === SLICE
  }
  const has = () => [...archive.getKeys({ limit: 1 })].length > 0
  if (!(await env.read('cannot read the archive', has))) return
  while (await env.write('cannot move the archive to its new place', moveSlice));
}
