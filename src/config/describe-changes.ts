import { CANARY } from '../domain/variant.ts'
import type { Config } from './config.ts'

/** What a reload changed, in short sentences for a person: services that came and went, new canary versions. */
export function describeChanges(before: Config, after: Config): readonly string[] {
  if (before.hash === after.hash)
    return [
      'nothing has changed since the file was last taken over (it is watched: a saved change is taken over at once)',
    ]
  const versions = (config: Config) =>
    new Map(
      config.services.map((s) => [
        s.name,
        s.variants.find((v) => v.name === CANARY)?.version ?? '',
      ]),
    )
  const was = versions(before)
  const is = versions(after)
  return [
    ...[...was.keys()].filter((name) => !is.has(name)).map((name) => `service ${name} removed`),
    ...[...is.keys()].filter((name) => !was.has(name)).map((name) => `service ${name} added`),
    ...[...is]
      .filter(([name, version]) => was.has(name) && was.get(name) !== version)
      .map(([name, version]) => `service ${name}: canary version ${version || 'removed'}`),
    `configuration ${after.hash}`,
  ]
}
