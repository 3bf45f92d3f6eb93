import type { Scope } from '../config/config.ts'

/** Who asks, and what that one may do. */
export type Identity = {
  /** The name that stands in decisions. */
  readonly actor: string
  readonly scopes: readonly Scope[]
  /** Those that it may change and send feedback for; null = all, and what is about all. */
  readonly services: readonly string[] | null
  /** Milliseconds since the epoch; null = never. */
  readonly expiresAt: number | null
}

/** Who asks, as the API shows it. */
export type MeJson = Omit<Identity, 'expiresAt'> & { readonly expiresAt: string | null }

/** Builds the JSON of `GET /api/v1/me`. */
export function presentIdentity({ actor, scopes, services, expiresAt }: Identity): MeJson {
  return {
    actor,
    scopes,
    services,
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  }
}
