const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Name and value pairs without those that concern one connection only. */
export function endToEnd(pairs: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < pairs.length; i += 2) {
    if (!HOP_BY_HOP.has(pairs[i]!.toLowerCase())) kept.push(pairs[i]!, pairs[i + 1]!)
  }
  return kept
}
