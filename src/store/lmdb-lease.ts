import type { LmdbEnvironment } from './lmdb-environment.ts'
import type { Lease, Store } from './store.ts'

/** `holder: null` = given back; the token stays so that the next holder's is larger. */
type StoredLease = Omit<Lease, 'holder'> & {
  readonly holder: string | null
  readonly expiresAt: number
}

/** The lease part of the store: one record, replaced in write transactions only. */
export function buildLmdbLease(
  env: LmdbEnvironment,
): Pick<Store, 'acquireLease' | 'releaseLease' | 'leaseHolder'> {
  const stored = () => env.tables.meta.get('lease') as StoredLease | undefined

  return {
    acquireLease: (holder, ttlMs, now) =>
      env.write('cannot take the lease', () => {
        const current = env.cells.get('lease') as StoredLease | undefined
        const isMine = current?.holder === holder
        if (current !== undefined && !isMine && current.expiresAt > now) {
          // The clock was set back: from now on it lasts no longer than its time.
          if (current.expiresAt > now + ttlMs) {
            env.cells.put('lease', { ...current, expiresAt: now + ttlMs })
          }
          return null
        }
        const token = (current?.token ?? 0) + (isMine ? 0 : 1)
        const lease: StoredLease = { holder, token, expiresAt: now + ttlMs }
        env.cells.put('lease', lease)
        return { holder, token }
      }),
    releaseLease: (lease) =>
      env.write('cannot give the lease back', () => {
        if (!isLeaseHeld(env, lease)) return
        const free: StoredLease = { holder: null, token: lease.token, expiresAt: 0 }
        env.cells.put('lease', free)
      }),
    leaseHolder: () => env.read('cannot read the lease', () => stored()?.holder ?? null),
  }
}

/** In a write transaction: whether nobody has taken the lease since. Its time may be over: only a successor fences it off. */
export function isLeaseHeld(env: LmdbEnvironment, lease: Lease): boolean {
  const stored = env.cells.get('lease') as StoredLease | undefined
  return stored?.holder === lease.holder && stored.token === lease.token
}
