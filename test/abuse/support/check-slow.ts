import type { Test } from 'tap'
import { startStreamingUpstream } from '../../support/fake-upstream.ts'
import { askAdmin } from '../../e2e/support/admin-api.ts'
import { buildConfig, buildFixedService } from '../../e2e/support/config.ts'
import { startSerin, writeConfig } from '../../e2e/support/serin-process.ts'
import { until } from '../../e2e/support/until.ts'
import { runPaced } from './paced-load.ts'
import { countConnections, SLOW_MODES, startSlowAttack, type SlowMode } from './slow-attack.ts'

/** How hard to try, and what the others may notice of it. */
export type SlowPlan = {
  readonly connections: number
  readonly perSecond: number
  /** Of each of the two runs. */
  readonly seconds: number
  /** How long the attackers' own requests may take: whoever does not read asks for a megabyte each. */
  readonly settleSeconds: number
  /** Which time is judged … */
  readonly judged: 'p50Ms' | 'p99Ms'
  /** … what it may be under attack, as a multiple of that of the quiet run … */
  readonly factor: number
  /** … and by how much it may lie above that anyway: what one pause of a busy machine costs. */
  readonly graceMs: number
}

/** Large enough that an answer which nobody reads stands in the gateway. */
const BIG = Buffer.alloc(1024 * 1024, 'x')

/** Share of the connections that must stand before the second run begins. */
const STANDING = 0.9

/**
 * Lets clients send at a fixed rate to a gateway in a process of its own, first undisturbed and then beside
 * slow connections, in each way in which they can be slow: all are answered as well as before, and almost as soon.
 */
export async function checkSlow(t: Test, plan: SlowPlan): Promise<void> {
  const upstream = await startStreamingUpstream((req, res) => {
    req.resume()
    if (req.url!.endsWith('/big')) res.end(BIG)
    else req.once('end', () => res.end('{"outputs":[1]}'))
  })
  t.teardown(upstream.close)
  const folder = t.testdir({})
  const origins = { baseline: upstream.origin, canary: upstream.origin }
  const service = buildFixedService(origins, { key: 'body:/user', weights: { canary: '50%' } })
  const gateway = await startSerin(t, writeConfig(folder, buildConfig(folder, { m: service })))
  // The first requests of a process are slower than all others.
  await runPaced(`${gateway.data}/m/x`, plan.perSecond, 2)
  for (const mode of SLOW_MODES) {
    const title = `${plan.connections} slow connections (${mode}) keep nobody else from an answer.`
    await t.test(title, (t) => checkMode(t, gateway.data, mode, plan))
  }
  t.equal((await askAdmin(gateway.admin, '/readyz')).status, 200)
  const { code, stderr } = await gateway.stop()
  t.same({ code, stderr }, { code: 0, stderr: '' })
  const errors = gateway.logs().filter(({ level }) => (level as number) >= 50)
  t.same(errors, [], 'nothing went wrong inside')
}

async function checkMode(t: Test, data: string, mode: SlowMode, plan: SlowPlan): Promise<void> {
  const url = `${data}/m/x`
  const quiet = await runPaced(url, plan.perSecond, plan.seconds)
  const attack = startSlowAttack(mode === 'read' ? `${data}/m/big` : url, mode, plan.connections)
  t.teardown(attack.stop)
  const port = Number(new URL(data).port)
  const held = await until('the connections stand', () => {
    const count = countConnections(port)
    return count >= plan.connections * STANDING ? count : null
  })
  // What they ask for first is work like any other: slow is what comes then.
  const first = await runPaced(url, plan.perSecond, plan.settleSeconds)
  const busy = await runPaced(url, plan.perSecond, plan.seconds)
  await attack.stop()
  await until('the connections are gone', () => countConnections(port) === 0)
  t.comment(`${mode}: quiet ${say(quiet)}, under attack ${say(busy)}, ${held} connections`)
  t.same({ ...quiet.wrong, ...first.wrong, ...busy.wrong }, {}, 'every request was answered')
  const { judged, factor, graceMs } = plan
  const bound = factor * quiet[judged] + graceMs
  t.ok(busy[judged] <= bound, `${judged} ${busy[judged].toFixed(1)}, at most ${bound.toFixed(1)}`)
}

function say({ p50Ms, p99Ms, sent }: Awaited<ReturnType<typeof runPaced>>): string {
  return `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms of ${sent}`
}
