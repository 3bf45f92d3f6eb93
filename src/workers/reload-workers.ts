import type { ReloadResult } from '../admin/admin-deps.ts'
import type { Config } from '../config/config.ts'
import type { ConfigResult } from '../config/load.ts'
import type { ReloadLog } from '../reload.ts'
import type { WorkerPlace } from './worker-place.ts'

/** What is needed of the workers that run. */
export type ReloadingWorker = Pick<WorkerPlace, 'number' | 'pid' | 'ask' | 'kill'>

/**
 * Has all workers take a configuration, or none: all of them check it, and only when every one is content
 * they take it, one after the other. The first is the one that decides, since it may still fail (a store
 * that is away) before anything has changed. Those that cannot take afterwards what they had found good are
 * ended; `onTaken` has been told by then, so their successors start with it. Rejects when nothing changed.
 */
export async function reloadWorkers(
  loaded: ConfigResult,
  workers: readonly ReloadingWorker[],
  { log, onTaken }: { readonly log: ReloadLog; readonly onTaken: (config: Config) => void },
): Promise<ReloadResult> {
  const checked = await Promise.all(workers.map((worker) => check(worker, loaded)))
  // Whoever ended meanwhile is replaced by one that starts with the configuration that holds then.
  const running = checked.filter(({ worker }) => worker.pid !== null)
  const ready = running.filter(({ answer }) => answer?.ok === true).map(({ worker }) => worker)
  if (running.length === 0) throw new Error('no worker is running')
  const refusal = running.find(({ answer }) => answer?.ok !== true)
  if (refusal !== undefined || !loaded.ok) {
    await discard(ready)
    if (refusal?.answer?.ok === false) return { ok: false, problems: refusal.answer.problems }
    throw refusal?.error
  }
  const [first, ...others] = ready
  let changes: readonly string[]
  try {
    changes = await first!.ask('take')
  } catch (error) {
    await discard(others)
    throw error
  }
  onTaken(loaded.config)
  for (const worker of others) {
    try {
      await worker.ask('take')
    } catch (error) {
      log.error({ err: error }, `worker ${worker.number} did not take the configuration`)
      await worker.kill()
    }
  }
  return { ok: true, changes }
}

async function check(worker: ReloadingWorker, loaded: ConfigResult) {
  try {
    return { worker, answer: await worker.ask('prepare', loaded), error: null }
  } catch (error) {
    return { worker, answer: null, error }
  }
}

async function discard(workers: readonly ReloadingWorker[]): Promise<void> {
  // One that has ended has nothing to discard.
  await Promise.allSettled(workers.map((worker) => worker.ask('discard')))
}
