import type { Test } from 'tap'
import { request } from 'undici'
import { readDecisions, untilService } from './admin-api.ts'
import type { startExample } from './example.ts'
import { startLoad, type Load, type LoadOptions } from './load.ts'
import { seeded } from './seeded.ts'
import type { SerinGateway } from './serin-process.ts'

type Example = Parameters<typeof startExample>[2]

/**
 * The example's own metrics and steps, in seconds instead of minutes, for a machine that other tests keep busy: a latency
 * decides nothing, and a few failures neither. `changes` are of metrics, by name; each step lasts `minDuration`.
 */
export function faster(
  changes: Readonly<Record<string, object>> = {},
  minDuration = '500ms',
): Pick<Example, 'analysis' | 'rollout'> {
  return {
    analysis: ({ metrics }) => ({
      ...{ interval: '500ms', warmUp: 0, minRequests: 50 },
      metrics: Object.fromEntries(
        Object.entries(metrics).map(([name, metric]) => [
          name,
          { ...metric, ...ON_A_BUSY_MACHINE[String(metric['kind'])], ...changes[name] },
        ]),
      ),
    }),
    rollout: ({ steps }) => ({
      steps: steps.map((step) => ({ ...step, minDuration })),
      watch: '1s',
    }),
  }
}

const ON_A_BUSY_MACHINE: Readonly<Record<string, object>> = {
  latency: { onFailure: 'warn' },
  'error-rate': { floor: '5%' },
}

/** Of the steps of a canary that is not to be promoted, however late it begins to be worse. */
export const ENDLESS = '1h'

/** Labels come within two seconds, and their errors are small. */
export const LABELS = { rmse: { labelWindow: '2s', minLabels: 30, cap: 50 } }

/** Sends one request through the gateway: GET without a body, else POST. */
export async function send(
  gateway: SerinGateway,
  path: string,
  body?: string | Buffer,
  type?: string,
) {
  const answer = await request(`${gateway.data}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': type ?? 'application/json' },
    body: body ?? null,
  })
  const { statusCode: status, headers } = answer
  return { status, headers, text: await answer.body.text() }
}

/** Sends ever new users' requests, and posts what is said of them. */
export function load(
  t: Test,
  gateway: SerinGateway,
  more: Partial<LoadOptions> & { readonly path: string },
): Load {
  return startLoad(t, {
    ...{ data: () => gateway.data, admin: () => gateway.admin },
    ...{ concurrency: 8, perSecond: 400, draw: seeded(7), ...more },
  })
}

/** Waits until the rollout has ended as `phase`, and gives the sentence of the decision. */
export async function ended(
  gateway: SerinGateway,
  service: string,
  phase: 'promoted' | 'rolled-back',
) {
  await untilService(gateway.admin, service, phase, (s) => s.phase === phase)
  const action = phase === 'promoted' ? 'promote' : 'rollback'
  const decision = (await readDecisions(gateway.admin, service)).find((d) => d.action === action)
  return JSON.stringify(decision)
}
