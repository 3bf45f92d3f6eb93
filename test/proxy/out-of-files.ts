import { closeSync, openSync } from 'node:fs'
import { createHealthChecks } from '../../src/proxy/health-checks.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { parseAnswer, RawConnection } from '../support/raw-client.ts'
import { serviceWith, startGateway, variantAt } from '../support/start-gateway.ts'

// A gateway that has opened as many files as it may: prints what became of a request and of a check then, and of a
// request afterwards.
const upstream = await startUpstream((_req, res) => res.end('<ok>'))
const gateway = await startGateway([serviceWith([variantAt('baseline', upstream.origin)])])
const clock = { ms: 0, now: () => clock.ms, monotonic: () => clock.ms }
const changes: string[] = []
let untried = 0
const checks = createHealthChecks({
  clock,
  every: () => () => {},
  upstreams: gateway.upstreams.upstreams,
  onChange: ({ health }, why) => changes.push(`${health} ${why}`),
  onUntried: () => untried++,
})
await checks.checkNew()

const client = new RawConnection(gateway.port)
const ask = async (path: string) => {
  const from = client.text.length
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  await client.until((bytes) => /\r\n\r\n(?:$|<ok>|.*\})/s.test(bytes.toString('latin1', from)))
  return parseAnswer(client.text.slice(from))
}
await ask('/-/ready')

const files: number[] = []
try {
  for (;;) files.push(openSync('/dev/null', 'r'))
} catch {
  // That was the last one.
}
const without = await ask('/m/x')
clock.ms += 60_000
await checks.checkDue()
for (const file of files) closeSync(file)
const after = await ask('/m/x')

console.log(
  JSON.stringify({
    without: [without.status, without.field('x-serin-error'), without.field('retry-after')],
    after: after.status,
    outcomes: gateway.recorder.ends.map(({ outcome }) => outcome),
    changes,
    untried,
  }),
)
checks.close()
client.close()
await Promise.all([gateway.close(), upstream.close()])
