import type { Config } from './config.ts'

/** A configuration without its secrets, as plain JSON: what may be shown to whoever may read. */
export function redactConfig(config: Config): RedactedConfig {
  const { written: _, ...parts } = config
  return {
    ...parts,
    admin: {
      ...config.admin,
      tokens: config.admin.tokens.map((token) => ({ ...token, token: HIDDEN })),
    },
    services: config.services.map((service) => {
      const { override } = service.split
      if (override === null) return service
      return { ...service, split: { ...service.split, override: { ...override, secret: HIDDEN } } }
    }),
  }
}

/** A configuration in which every secret reads `(hidden)`. */
export type RedactedConfig = Omit<Config, 'written'>

const HIDDEN = '(hidden)'
