import type { Config } from './config.ts'
import { hookName } from './hook-name.ts'

/**
 * A configuration without its secrets, as plain JSON: what may be shown to whoever may read. Of the
 * addresses of webhooks only the origin is left.
 */
export function redactConfig(config: Config): RedactedConfig {
  const { written: _, ...parts } = config
  return {
    ...parts,
    admin: {
      ...config.admin,
      tokens: config.admin.tokens.map((token) => ({ ...token, token: HIDDEN })),
    },
    services: config.services.map((service) => {
      const { notify, split } = service
      const { override } = split
      return {
        ...service,
        notify: notify.map((hook) => ({
          ...hook,
          url: hookName(hook.url),
          secret: hook.secret === null ? null : HIDDEN,
        })),
        split: override === null ? split : { ...split, override: { ...override, secret: HIDDEN } },
      }
    }),
  }
}

/** A configuration in which every secret reads `(hidden)`. */
export type RedactedConfig = Omit<Config, 'written'>

const HIDDEN = '(hidden)'
