import { parse, stringify } from 'yaml'

/**
 * A configuration with `count` services like its one: the first as it stands, the others with `-1`, `-2` …
 * after their name and after the model's name in their path.
 */
export function multiplyServices(config: string, count: number): string {
  if (count === 1) return config
  const raw = parse(config) as { services: Record<string, { match: { path: string } }> }
  const [[name, service]] = Object.entries(raw.services) as [
    [string, (typeof raw.services)[string]],
  ]
  for (let i = 1; i < count; i += 1) {
    const path = service.match.path.replace(`/${name}/`, `/${name}-${i}/`)
    raw.services[`${name}-${i}`] = { ...service, match: { ...service.match, path } }
  }
  return stringify(raw, { aliasDuplicateObjects: false })
}
