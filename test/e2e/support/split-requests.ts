import { Agent, request } from 'undici'

/** Which variants answered each key. */
export type VariantsOfKeys = Map<string, Set<string>>

/** Sends `count` requests over `keys` keys in turn; 32 are under way at once. Throws at any answer but 200. */
export async function sendKeyed(
  data: string,
  { count, keys }: { readonly count: number; readonly keys: number },
): Promise<VariantsOfKeys> {
  const agent = new Agent({ connections: 32 })
  const variants: VariantsOfKeys = new Map()
  let next = 0
  const worker = async () => {
    while (next < count) {
      const key = `user-${next++ % keys}`
      const answer = await request(`${data}/m/infer`, {
        dispatcher: agent,
        headers: { 'x-user-id': key },
      })
      await answer.body.dump()
      if (answer.statusCode !== 200) throw new Error(`${key}: ${answer.statusCode}`)
      const seen = variants.get(key) ?? new Set()
      variants.set(key, seen.add(String(answer.headers['x-serin-variant'])))
    }
  }
  try {
    await Promise.all(Array.from({ length: 32 }, worker))
  } finally {
    await agent.close()
  }
  return variants
}

/** Keys that this variant answered. */
export function keysOf(variants: VariantsOfKeys, variant: string): ReadonlySet<string> {
  return new Set([...variants].filter(([, seen]) => seen.has(variant)).map(([key]) => key))
}

/** How many standard deviations `count` of `n` lies from the binomial mean. */
export function deviations(count: number, n: number, p: number): number {
  return Math.abs(count - n * p) / Math.sqrt(n * p * (1 - p))
}
