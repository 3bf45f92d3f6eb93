/** Who gets requests of a service and has no healthy upstream, by its variants; null = nobody. */
export function downOf(
  variants: Readonly<Record<string, { readonly healthy: number; readonly upstreams: number }>>,
  weights: Readonly<Record<string, number>>,
): string | null {
  const isDown = ([name, { healthy, upstreams }]: readonly [string, (typeof variants)[string]]) =>
    (weights[name] ?? 0) > 0 && healthy === 0 && upstreams > 0
  return Object.entries(variants).find(isDown)?.[0] ?? null
}
