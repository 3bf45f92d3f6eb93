import type { ReloadResult } from '../admin/admin-deps.ts'
import type { Config } from '../config/config.ts'
import type { ConfigResult } from '../config/load.ts'
import type { ReloadLog, TakenConfig } from '../reload.ts'
import type { WorkerPlace } from './worker-place.ts'

/** What is needed of the workers that run. */
export type ReloadingWorker = Pick<WorkerPlace, 'number' | 'pid' | 'ask' | 'kill'>

/**
 * Has all workers take a configuration, or none: all of them check it, and only when every one is content
 * they take it, one after the other, the one that decides first. `onTaken` is told before: one that cannot take what
 * it had found good is ended, and its successor starts with it. Rejects when nothing changed, or nobody took it.
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
  onTaken(loaded.config)
  let taken: TakenConfig | null = null
  let failure: unknown = null
  for (const worker of ready) {
    try {
      const answer = await worker.ask('take')
      taken ??= answer
    } catch (error) {
      failure ??= error
      log.error({ err: error }, `worker ${worker.number} did not take the configuration`)
      await worker.kill()
    }
  }
  if (taken === null) throw failure
  return { ok: true, ...taken }
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
