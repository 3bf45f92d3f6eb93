import type { Database, Key, RootDatabase } from 'lmdb'
import type { ArchivedAttempt } from './store.ts'

/** Named databases of the environment. Values are bytes (see the codecs) where nothing else is said. */
export type LmdbTables = {
  /** By service. */
  readonly states: Database<Buffer, string>
  readonly evidence: Database<Buffer, string>
  /** By [service, number of the cohort]. */
  readonly cohorts: Database<Buffer, Key>
  /** Of one cohort or several, by that of the first. */
  readonly units: Database<Buffer, Key>
  /** Newer than those in the cohort of the same key. */
  readonly tallies: Database<Buffer, Key>
  /** Folded cohorts, see LmdbBundles; the places of services there, see LmdbLanes. */
  readonly bundles: Database<Buffer, Key>
  readonly lanes: Database<number, string>
  /** The same by [service, number], as version 1 of the layout had them: moved where there are any. */
  readonly archive: Database<Buffer, Key>
  /**
   * The attempts they are of, see LmdbAttempts: the newest ones as the cohorts are, those before by [service, rollout],
   * where versions 1 and 2 of the layout had all of them. And their plans by [service, rollout].
   */
  readonly newestAttempts: Database<Buffer, Key>
  readonly attempts: Database<StoredAttempt | Uint8Array, Key>
  readonly plans: Database<Buffer, Key>
  /** By [service, id]. */
  readonly decisions: Database<Buffer, Key>
  /** Milliseconds since the epoch by [service, canary version]. */
  readonly rollbacks: Database<number, Key>
  /** Id of a decision by [service, hook]. */
  readonly notifyCursors: Database<number, Key>
  /** By service, with its version; the service by that version. */
  readonly publications: Database<Buffer, string>
  readonly publicationOrder: Database<string, number>
  /** By [service, number of the cohort]. */
  readonly openings: Database<Buffer, Key>
  /** By [service, number of the cohort, replica]. Tallies are newer than those in the share of the same key. */
  readonly shares: Database<Buffer, Key>
  readonly shareTallies: Database<Buffer, Key>
  /** By [service, hash of a key]; by [service], how many there are. */
  readonly unitClaims: Database<number, Key>
  /** By replica. */
  readonly reports: Database<Buffer, string>
  /** By a number that counts up; answers by the id of the order. */
  readonly orders: Database<Buffer, number>
  readonly orderAnswers: Database<Buffer, string>
  /** `lease`: who decides. `changes`: commits so far. `archive`: what is in it. `lanes`: places taken in them. `published`: the last version. */
  readonly meta: Database<unknown, string>
  /** By a number that counts up, so that neighbours in time are neighbours on disk. */
  readonly predictions: Database<Buffer, number>
  /** That number by PredictionKey. */
  readonly predictionNumbers: Database<number, Key>
}

/** An attempt with what its archived cohorts take: for finding the oldest, and for counting. */
export type StoredAttempt = ArchivedAttempt & {
  readonly bytes: number
  /** Number of the oldest cohort that is left. */
  readonly oldest: number
  readonly last: number
  /** Of the configuration whose plan is stored. */
  readonly configHash: string
}

/** Opens all of them, or makes them; `meta` is open already. */
export function openTables(
  root: RootDatabase<unknown, string>,
  meta: Database<unknown, string>,
): LmdbTables {
  const bytes = { encoding: 'binary' } as const
  return {
    meta,
    states: root.openDB('states', bytes),
    evidence: root.openDB('evidence', bytes),
    cohorts: root.openDB('cohorts', bytes),
    units: root.openDB('units', bytes),
    tallies: root.openDB('tallies', bytes),
    bundles: root.openDB('bundles', bytes),
    lanes: root.openDB('lanes', {}),
    archive: root.openDB('archive', bytes),
    newestAttempts: root.openDB('newest-attempts', bytes),
    attempts: root.openDB('attempts', {}),
    plans: root.openDB('plans', bytes),
    decisions: root.openDB('decisions', bytes),
    rollbacks: root.openDB('rollbacks', {}),
    notifyCursors: root.openDB('notify-cursors', {}),
    publications: root.openDB('publications', bytes),
    publicationOrder: root.openDB('publication-order', {}),
    openings: root.openDB('openings', bytes),
    shares: root.openDB('shares', bytes),
    shareTallies: root.openDB('share-tallies', bytes),
    unitClaims: root.openDB('unit-claims', {}),
    reports: root.openDB('reports', bytes),
    orders: root.openDB('orders', bytes),
    orderAnswers: root.openDB('order-answers', bytes),
    predictions: root.openDB('predictions', bytes),
    predictionNumbers: root.openDB('prediction-numbers', {}),
  }
}
