import type { Test } from 'tap'
import type { ServiceParts } from './config.ts'
import { startModel } from './model-server.ts'

/**
 * An experiment by keys at `/m/*`, and its models: `small` fails four requests in ten and errs as the baseline does,
 * `large` errs a quarter of that.
 */
export async function startThreeWay(
  t: Test,
  draw: () => number,
  labelWindow: string,
): Promise<ServiceParts> {
  const [old, small, large] = await Promise.all([
    startModel(t, draw, { error: 4, failures: 0 }),
    startModel(t, draw, { error: 4, failures: 0.4 }),
    startModel(t, draw, { error: 1, failures: 0 }),
  ])
  return {
    match: { path: '/m/*' },
    variants: {
      baseline: { version: '1', upstreams: [old.origin] },
      small: { version: '2-small', upstreams: [small.origin] },
      large: { version: '2-large', upstreams: [large.origin] },
    },
    split: { key: 'header:x-user-id', weights: { small: '20%', large: '40%' } },
    observe: { prediction: 'body:/outputs/0/data/0' },
    analysis: {
      interval: '500ms',
      warmUp: 0,
      metrics: {
        errors: { kind: 'error-rate', maxIncrease: '0%', floor: '2%' },
        rmse: { kind: 'rmse', maxIncrease: '5%', labelWindow, minLabels: 100, cap: 50 },
      },
    },
  }
}
