/** Says of a latency until the first byte of a body, or of what is said of one, that it is that; undefined for all else. */
export function untilOf(said: object): { readonly until: 'first-byte' } | undefined {
  return 'until' in said && said.until === 'first-byte' ? { until: said.until } : undefined
}
