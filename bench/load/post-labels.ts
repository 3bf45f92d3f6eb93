import { setTimeout as sleep } from 'node:timers/promises'

/** Labels of the requests `<idPrefix>1` to `<idPrefix><count>`. */
export type Labels = { readonly idPrefix: string; readonly count: number }

const BATCH = 1000

/**
 * Posts labels to an admin port, in batches spread evenly over `seconds`. Resolves to how many of them
 * were joined to a prediction.
 */
export async function postLabels(
  adminPort: number,
  { idPrefix, count }: Labels,
  seconds: number,
): Promise<number> {
  const startMs = performance.now()
  let joined = 0
  for (let first = 1; first <= count; first += BATCH) {
    await sleep(startMs + ((first - 1) / count) * seconds * 1000 - performance.now())
    const last = Math.min(count, first + BATCH - 1)
    let lines = ''
    for (let i = first; i <= last; i += 1) {
      lines += `{"service":"credit-risk","requestId":"${idPrefix}${i}","label":0.4}\n`
    }
    const answer = await fetch(`http://127.0.0.1:${adminPort}/api/v1/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines,
    })
    if (answer.status !== 200) throw new Error(`labels: ${answer.status} ${await answer.text()}`)
    joined += ((await answer.json()) as { joined: number }).joined
  }
  return joined
}
