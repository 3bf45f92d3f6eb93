import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Service } from '../../src/domain/service.ts'
import { seeded } from '../e2e/support/seeded.ts'
import { rolloutSpec } from '../fakes/simulated-service.ts'
import { refusedOrigin } from '../support/fake-upstream.ts'
import { serviceWith, startGateway, timeouts, variantAt } from '../support/start-gateway.ts'
import { startMoodyUpstream } from './support/moody-upstream.ts'
import { beRude } from './support/rude-client.ts'
import { readNumber } from './support/run-cases.ts'

const SECONDS = readNumber('SERIN_COMMOTION_SECONDS', 5)
const CLIENTS = 30

/** Short ones, so that each is met; the quiet afterwards is longer than all of them. */
const LIMITS = {
  bodyIdleMs: 200,
  writeStallMs: 150,
  settleMs: 200,
  tunnelIdleMs: 300,
  tunnelFollowMs: 60,
}

t.test(
  'Whoever leaves, breaks or is late: each request is booked once, and all is given back.',
  async (t) => {
    t.setTimeout(SECONDS * 1000 + 60_000)
    const seed = readNumber('SERIN_COMMOTION_SEED', 20_260_101)
    t.comment(`SERIN_COMMOTION_SEED=${seed}`)
    const draw = seeded(seed)
    const describe = await openService(t, draw)
    const gateway = await startGateway([describe(0)], {
      draw,
      limits: LIMITS,
      config: { limits: { bodyBytes: 200_000, headerBytes: 16_384, inFlight: 60 } },
    })
    t.teardown(gateway.close)
    const { recorder, exchanges, upstreams } = gateway

    let reloads = 0
    const reloading = setInterval(() => gateway.reload([describe(++reloads)]), 300)
    const end = performance.now() + SECONDS * 1000
    const client = async () => {
      while (performance.now() < end) await beRude(gateway.port, draw)
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    clearInterval(reloading)

    const mirror = gateway.mirrors.get('shadow')!
    while (exchanges.count + mirror.inFlight > 0) await delay(10)
    t.ok(recorder.begun.length > CLIENTS)
    t.equal(recorder.ends.length, recorder.begun.length, 'each request has one end')
    t.equal(recorder.sessions, 0)
    t.same(gateway.errors, [])
    t.same(new Set(upstreams.upstreams().map(({ inFlight }) => inFlight)), new Set([0]))
    // A look at the doors, as the next reload would have it.
    const targets = upstreams.open([describe(0)])
    for (const [name, { admission }] of targets.byService.get('model')!) {
      t.same([admission.inFlight, admission.waiting], [0, 0], `the door of ${name}`)
    }
    targets.release()
    t.ok(recorder.fallbacks.length > 0)
  },
)

/** Opens upstreams for a service with all that there is; gives what its configuration is at a reload. */
async function openService(t: Test, draw: () => number): Promise<(reload: number) => Service> {
  const upstreams = await Promise.all(Array.from({ length: 5 }, () => startMoodyUpstream(draw)))
  t.teardown(() => Promise.all(upstreams.map(({ close }) => close())))
  const [a, b, c, d, e] = upstreams.map(({ origin }) => origin) as [string, ...string[]]
  const gone = await refusedOrigin()
  const more = {
    timeout: timeouts({ connectMs: 200, firstByteMs: 150, idleMs: 120, totalMs: 600 }),
    eject: { consecutiveFailures: 5, baseMs: 100, maxMs: 400 },
  }
  return (reload) =>
    serviceWith(
      [
        variantAt('baseline', a, {
          ...more,
          upstreams: [a, b!],
          maxInFlight: 40,
          queue: { max: 20, timeoutMs: 100 },
        }),
        variantAt('canary', c!, {
          ...more,
          upstreams: [c!, reload % 3 === 0 ? gone : d!],
          maxInFlight: 4 + (reload % 3),
          queue: { max: 4, timeoutMs: 80 },
        }),
        variantAt('shadow', e!, { ...more, maxInFlight: 20 }),
      ],
      {
        idempotent: true,
        rollout: rolloutSpec({ spec: { fallback: true } }),
        split: {
          key: { from: 'body', pointer: '/k' },
          rules: [],
          weightsBp: { canary: 5_000 },
          override: null,
        },
        mirrors: [{ to: 'shadow', share: 1, maxBytes: 100_000, tolerance: 0.01 }],
        observe: {
          requestIdHeader: 'x-request-id',
          prediction: '/p',
          sample: 1,
          numbers: [],
          awaitsEvents: false,
        },
      },
    )
}
