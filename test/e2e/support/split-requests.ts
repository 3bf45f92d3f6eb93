import { parseAnswer, RawConnection } from '../../support/raw-client.ts'

/** Which variants answered each key. */
export type VariantsOfKeys = Map<string, Set<string>>

/** Requests that are written together; their answers come in the same order (pipelining, RFC 9112 section 9.3). */
const BATCH = 100
const CONNECTIONS = 16

/** Sends `count` requests over `keys` keys in turn. Throws at any answer but 200. */
export async function sendKeyed(
  data: string,
  { count, keys }: { readonly count: number; readonly keys: number },
): Promise<VariantsOfKeys> {
  const port = Number(new URL(data).port)
  const variants: VariantsOfKeys = new Map()
  let next = 0
  const worker = async () => {
    while (next < count) {
      const batch: string[] = []
      while (batch.length < BATCH && next < count) batch.push(`user-${next++ % keys}`)
      const answers = await sendBatch(port, batch)
      for (const [index, key] of batch.entries()) {
        const { status, field } = parseAnswer(answers[index]!)
        if (status !== 200) throw new Error(`${key}: ${answers[index]}`)
        variants.set(key, (variants.get(key) ?? new Set()).add(field('x-serin-variant')!))
      }
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
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

/** One connection for a batch; gives the text of each answer. */
async function sendBatch(port: number, batch: readonly string[]): Promise<readonly string[]> {
  const requests = batch.map((key, index) => {
    const close = index === batch.length - 1 ? 'Connection: close\r\n' : ''
    return `GET /m/infer HTTP/1.1\r\nHost: a\r\nX-User-Id: ${key}\r\n${close}\r\n`
  })
  const text = await new RawConnection(port).send(requests.join('')).closed()
  return text.split(/(?=HTTP\/1\.1 )/)
}
