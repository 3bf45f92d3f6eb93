import type { LmdbEnvironment } from './lmdb-environment.ts'
import { lastDecisionId } from './lmdb-rollouts.ts'
import type { Store } from './store.ts'

/** The part of the store that knows what webhooks have heard of. */
export function buildLmdbNotify(
  env: LmdbEnvironment,
): Pick<Store, 'openNotifyCursor' | 'moveNotifyCursor'> {
  const { notifyCursors } = env.tables
  return {
    openNotifyCursor: async (service, hook) => {
      const what = `cannot read what webhooks of ${service} have heard of`
      const known = await env.read(what, () => notifyCursors.get([service, hook]))
      if (known !== undefined) return known
      return env.write(what, () => {
        // Another process may have opened it meanwhile.
        const cursor = notifyCursors.get([service, hook]) ?? lastDecisionId(env, service)
        void notifyCursors.put([service, hook], cursor)
        return cursor
      })
    },
    moveNotifyCursor: (service, hook, id) =>
      env.write(`cannot save what webhooks of ${service} have heard of`, () => {
        const before = notifyCursors.get([service, hook]) ?? 0
        if (id > before) void notifyCursors.put([service, hook], id)
      }),
  }
}
