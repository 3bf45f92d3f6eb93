import type { Service } from '../domain/service.ts'
import { HIDDEN, hideMetricSecrets, hideSecrets } from '../rollout/hide-secrets.ts'
import type { Config, StoreConfig } from './config.ts'
import { hookName } from './hook-name.ts'

/**
 * A configuration without its secrets, as plain JSON: what may be shown to whoever may read. Of the
 * addresses of webhooks and providers only the origin is left.
 */
export function redactConfig(config: Config): RedactedConfig {
  const { written: _, ...parts } = config
  return {
    ...parts,
    store: redactStore(config.store),
    admin: {
      ...config.admin,
      tokens: config.admin.tokens.map((token) => ({ ...token, token: HIDDEN })),
    },
    services: config.services.map((service) =>
      redactNotify(redactMetrics(redactOverride(service))),
    ),
  }
}

function redactStore(store: StoreConfig): StoreConfig {
  return 'password' in store && store.password !== null ? { ...store, password: HIDDEN } : store
}

function redactOverride(service: Service): Service {
  const { override } = service.split
  if (override === null) return service
  return { ...service, split: { ...service.split, override: { ...override, secret: HIDDEN } } }
}

function redactMetrics(service: Service): Service {
  const { rollout, shown } = service
  return {
    ...service,
    rollout: rollout === null ? null : hideSecrets(rollout),
    ...(shown === undefined ? undefined : { shown: hideMetricSecrets(shown) }),
  }
}

function redactNotify(service: Service): Service {
  const notify = service.notify.map((hook) => ({
    ...hook,
    url: hookName(hook.url),
    secret: hook.secret === null ? null : HIDDEN,
  }))
  return { ...service, notify }
}

/** A configuration in which every secret reads `(hidden)`. */
export type RedactedConfig = Omit<Config, 'written'>
