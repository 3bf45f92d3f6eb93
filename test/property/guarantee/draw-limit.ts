import { createStream } from '../../../bench/calibration/random.ts'
import { drawNature, PLAIN } from './draw-request.ts'
import type { Traffic } from './draw-traffic.ts'
import type { Scale } from './scale.ts'
import { crestOf, percent } from './sizes.ts'

/** A limit that requests keep at every moment by a fifth, where one can be told. */
export function limitOf(
  traffic: Traffic,
  scale: Scale,
  kind: string,
  higher: boolean,
): Readonly<Record<string, unknown>> | undefined {
  const random = createStream('limit')
  const many = (draw: () => number) => Array.from({ length: 5000 }, draw)
  const mean = (all: readonly number[]) => all.reduce((sum, each) => sum + each, 0) / all.length
  const isTame = ({ name }: { readonly name: string }) =>
    !['pareto', 'cauchy', 'lognormal', 'zero'].includes(name)
  const share = (of: number) => (of > 0 && of < 1 ? percent(of) : undefined)
  const max = (of: unknown) => (of === undefined ? undefined : { max: of })
  const min = (of: unknown) => (of === undefined ? undefined : { min: of })
  const trough = 1 - traffic.demand.height
  const isEven = traffic.keys === null || traffic.keys.differ === 0
  switch (kind) {
    case 'error-rate':
      return max(share((traffic.failing * crestOf(traffic.failures)) / 0.8))
    case 'latency': {
      const differ = traffic.keys?.differ ?? 0
      const slow = many(() => {
        const nature = differ === 0 ? PLAIN : drawNature(random, differ)
        return traffic.latency.draw(random) * crestOf(traffic.slowness) * nature.slower
      }).sort((a, b) => a - b)
      return max(
        `${Math.ceil(2 + traffic.latencyMs * slow[Math.floor(0.995 * slow.length)]! * 1.25)}ms`,
      )
    }
    case 'accuracy':
      return min(share(1 - (1 - traffic.right) / 0.8))
    case 'conversion':
      if (!isEven || !isTame(traffic.latency)) return undefined
      return higher
        ? min(share(Math.min(1, traffic.buying) * trough * 0.8))
        : max(share((traffic.buying * crestOf(traffic.demand)) / 0.8))
    case 'rmse':
    case 'mae':
    case 'log-loss': {
      if (!isTame(traffic.errors)) return undefined
      const sizes = many(
        () => traffic.errors.draw(random) * scale.error * crestOf(traffic.errorWave),
      )
      return max(kind === 'rmse' ? mean(sizes.map((e) => e * e)) ** 0.5 * 1.3 : mean(sizes) * 1.3)
    }
    case 'tokens':
    case 'mean':
    case 'sum': {
      if (!isTame(traffic.amounts) || !isTame(traffic.latency) || !isEven) return undefined
      const of =
        kind === 'sum'
          ? Math.min(1, traffic.buying * (higher ? trough : crestOf(traffic.demand)))
          : 1
      const due = mean(many(() => traffic.amounts.draw(random))) * scale.amount * of
      return higher ? min(due * 0.75) : max(due * 1.3)
    }
    default:
      return higher ? min(traffic.clicking * 0.7) : max(traffic.clicking / 0.7)
  }
}
