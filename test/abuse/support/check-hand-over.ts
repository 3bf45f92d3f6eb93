import type { Test } from 'tap'
import { seeded } from '../../e2e/support/seeded.ts'
import { startSerin, type LogLine } from '../../e2e/support/serin-process.ts'
import { freePort } from '../../support/free-port.ts'
import { runTaggedLoad } from './tagged-load.ts'
import { createUnrest } from './unrest.ts'

/**
 * Sends requests with known answers until `count` were right, while the configuration is reloaded every second with other
 * weights, upstreams restart, and half-way one gateway hands its port over to the next by SIGTERM. Every
 * answer is the right one, or one that the fault explains, with its status and `proxy-status`.
 */
export async function checkHandOver(t: Test, count: number, seed: number): Promise<void> {
  t.comment(`seed ${seed}`)
  const port = await freePort()
  const unrest = await createUnrest(t, t.testdir({}), port)
  let gateway = await startSerin(t, unrest.file)
  const first = gateway
  let admin: string | null = first.admin
  unrest.start(() => admin)
  const away = { from: Infinity, to: Infinity }
  const handOver: Promise<void>[] = []
  let hasHandedOver = false
  const handOverNow = async () => {
    admin = null
    away.from = performance.now()
    t.match(await first.stop(), { code: 0, stderr: '' }, 'the first one ended well')
    gateway = await startSerin(t, unrest.file)
    away.to = performance.now()
    admin = gateway.admin
  }
  const tally = await runTaggedLoad({
    data: () => first.data,
    concurrency: 24,
    draw: seeded(seed),
    goesOn: (right) => {
      if (right > count / 2 && handOver.length === 0) {
        handOver.push(handOverNow().finally(() => (hasHandedOver = true)))
      }
      // By a number of requests alone, a fast machine would be done before anything has happened.
      return right < count || !hasHandedOver || unrest.restarts() < 2
    },
    surroundings: ({ from, to }) => ({
      isUpstreamUp: unrest.wereUp(from, to),
      isGatewayUp: to < away.from || from > away.to,
    }),
  })
  await Promise.all(handOver)
  t.same(await unrest.stop(), [], 'every reload was taken')
  const { sent, right, explained, wrong, refused } = tally
  t.comment(
    `${sent} sent, ${right} right, explained ${JSON.stringify(explained)}, ${refused} connects refused`,
  )
  t.comment(`${unrest.reloads()} reloads, ${unrest.restarts()} restarts of an upstream`)
  t.same(wrong, [], 'not one answer lost or wrong')
  t.ok(right >= count, `${right} right answers`)
  t.ok(refused > 0, 'there was a moment without a gateway')
  t.match(await gateway.stop(), { code: 0, stderr: '' }, 'the second one ended well')
  const errors = [first, gateway].flatMap(({ logs }) => logs().filter(isError))
  t.same(errors, [], 'nothing went wrong inside')
}

/** pino's levels: 50 is an error. */
function isError(line: LogLine): boolean {
  return (line['level'] as number) >= 50
}
