import type { CommitResult, RolloutChange } from '../../../src/store/store.ts'
import { MemoryStore } from '../../fakes/memory-store.ts'

/**
 * A store that takes everything and keeps nothing but how many decisions there were: for a process that decides alone and
 * never begins again, what it would read is no matter, and to copy it is most of what a simulation costs.
 */
export class ForgetfulStore extends MemoryStore {
  #decisions = 0

  override commit = async ({ decision }: RolloutChange): Promise<CommitResult> =>
    decision === undefined
      ? { ok: true, decision: null }
      : { ok: true, decision: { ...decision, id: ++this.#decisions } }
}
