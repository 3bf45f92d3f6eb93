import type { Test } from 'tap'
import { startRawUpstream } from '../../support/fake-upstream.ts'
import { askAdmin } from './admin-api.ts'
import { buildConfig, buildFixedService } from './config.ts'
import { startSerin, writeConfig } from './serin-process.ts'
import { deviations, keysOf, sendKeyed, type VariantsOfKeys } from './split-requests.ts'

/**
 * Sends `count` requests of `keys` keys to a gateway with a fixed weight, raises the weight by a reload, and
 * sends one of each key again: shares lie within five standard deviations, each key stays with its variant, and the
 * reload moves keys only to the canary.
 */
export async function checkSplit(t: Test, count: number, keys: number): Promise<void> {
  // One answer for the head of each request: the gateway is what is tested, not Node's server.
  const upstream = await startRawUpstream((socket) => {
    socket.on('data', (bytes) => {
      const heads = bytes.toString('latin1').split('\r\n\r\n').length - 1
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'.repeat(heads))
    })
  })
  t.teardown(upstream.close)
  const folder = t.testdir({})
  const origins = { baseline: upstream.origin, canary: upstream.origin }
  const configAt = (canary: string) =>
    buildConfig(folder, {
      m: buildFixedService(origins, { key: 'header:x-user-id', weights: { canary } }),
    })
  const gateway = await startSerin(t, writeConfig(folder, configAt('20%')))

  const send = async (count: number, share: number): Promise<VariantsOfKeys> => {
    const variants = await sendKeyed(gateway.data, { count, keys })
    t.equal(variants.size, keys)
    const torn = [...variants].filter(([, seen]) => seen.size > 1).map(([key]) => key)
    t.same(torn, [], 'each key is always on one variant')
    const canaries = keysOf(variants, 'canary').size
    const off = deviations(canaries, keys, share)
    t.ok(off < 5, `${canaries} of ${keys} keys at ${share}: ${off.toFixed(1)} deviations`)
    return variants
  }

  const before = await send(count, 0.2)
  writeConfig(folder, configAt('35%'))
  const reloaded = await askAdmin(gateway.admin, '/api/v1/reload', { method: 'POST', body: {} })
  t.equal(reloaded.status, 200, reloaded.text)
  const after = await send(keys, 0.35)
  const left = [...keysOf(before, 'canary')].filter((key) => !keysOf(after, 'canary').has(key))
  t.same(left, [], 'keys moved to the canary, and none away from it')
}
