import type { Service } from '../domain/service.ts'
import { HIDDEN, hideSecrets } from '../rollout/hide-secrets.ts'
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
    services: config.services.map((service) => redactMetrics(redactOverride(service))),
  }
}

function redactOverride(service: Service): Service {
  const { override } = service.split
  if (override === null) return service
  return { ...service, split: { ...service.split, override: { ...override, secret: HIDDEN } } }
}

function redactMetrics(service: Service): Service {
  const { rollout } = service
  return rollout === null ? service : { ...service, rollout: hideSecrets(rollout) }
}

/** A configuration in which every secret reads `(hidden)`. */
export type RedactedConfig = Omit<Config, 'written'>
