import type { Test } from 'tap'
import { startStreamingUpstream } from '../../support/fake-upstream.ts'
import { askAdmin } from '../../e2e/support/admin-api.ts'
import { buildConfig, buildFixedService } from '../../e2e/support/config.ts'
import { startSerin, writeConfig } from '../../e2e/support/serin-process.ts'
import { until } from '../../e2e/support/until.ts'
import { runPaced } from './paced-load.ts'
import { countConnections, startSlowAttack, type SlowMode } from './slow-attack.ts'

/** How hard to try, and what the others may notice of it. */
export type SlowPlan = {
  readonly connections: number
  readonly perSecond: number
  /** Of each of the two runs. */
  readonly seconds: number
  /** The p99 under attack, as a multiple of that of the quiet run … */
  readonly factor: number
  /** … and by how much it may lie above that anyway: what one pause of a busy machine costs. */
  readonly graceMs: number
}

/** Large enough that an answer which nobody reads stands in the gateway. */
const BIG = Buffer.alloc(1024 * 1024, 'x')

/** How long the attackers' own requests may take: whoever does not read asks for a megabyte each. */
const SETTLE_SECONDS: Readonly<Record<SlowMode, number>> = { headers: 2, body: 2, read: 8 }

/** Share of the connections that must stand before the second run begins. */
const STANDING = 0.9

/**
 * Lets clients send at a fixed rate to a gateway in a process of its own, first undisturbed and then beside
 * slow connections: all are answered as well as before, and almost as soon.
 */
export async function checkSlow(t: Test, mode: SlowMode, plan: SlowPlan): Promise<void> {
  const upstream = await startStreamingUpstream((req, res) => {
    req.resume()
    if (req.url!.endsWith('/big')) res.end(BIG)
    else req.once('end', () => res.end('{"outputs":[1]}'))
  })
  t.teardown(upstream.close)
  // Else a pause of the machine could let it close a connection that the gateway is about to use.
  upstream.server.keepAliveTimeout = 60_000
  const folder = t.testdir({})
  const origins = { baseline: upstream.origin, canary: upstream.origin }
  const service = buildFixedService(origins, { key: 'body:/user', weights: { canary: '50%' } })
  const gateway = await startSerin(t, writeConfig(folder, buildConfig(folder, { m: service })))
  const url = `${gateway.data}/m/x`
  // The first requests of a process are slower than all others.
  await runPaced(url, plan.perSecond, 3)
  const quiet = await runPaced(url, plan.perSecond, plan.seconds)
  const target = mode === 'read' ? `${gateway.data}/m/big` : url
  const attack = startSlowAttack(target, mode, plan.connections)
  t.teardown(attack.stop)
  const port = Number(new URL(gateway.data).port)
  const held = await until('the connections stand', () => {
    const count = countConnections(port)
    return count >= plan.connections * STANDING ? count : null
  })
  // What they ask for first is work like any other: slow is what comes then.
  const first = await runPaced(url, plan.perSecond, SETTLE_SECONDS[mode])
  const busy = await runPaced(url, plan.perSecond, plan.seconds)
  await attack.stop()
  t.comment(`${mode}: quiet ${say(quiet)}, under attack ${say(busy)}, ${held} connections`)
  t.same({ ...quiet.wrong, ...first.wrong, ...busy.wrong }, {}, 'every request was answered')
  const bound = plan.factor * quiet.p99Ms + plan.graceMs
  t.ok(busy.p99Ms <= bound, `p99 ${busy.p99Ms.toFixed(1)} ms, at most ${bound.toFixed(1)} ms`)
  t.equal((await askAdmin(gateway.admin, '/readyz')).status, 200)
  const { code, stderr } = await gateway.stop()
  t.same({ code, stderr }, { code: 0, stderr: '' })
  const errors = gateway.logs().filter(({ level }) => (level as number) >= 50)
  t.same(errors, [], 'nothing went wrong inside')
}

function say({ p50Ms, p99Ms, sent }: Awaited<ReturnType<typeof runPaced>>): string {
  return `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms of ${sent}`
}
