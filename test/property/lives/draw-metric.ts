import { given, type Chance } from './chance.ts'

/** A metric as a file has it. */
export type MetricParts = Readonly<Record<string, unknown>> & { readonly kind: string }

const KINDS = [
  ...['error-rate', 'error-rate', 'latency', 'rmse', 'mae', 'log-loss', 'accuracy', 'conversion'],
  ...['sum', 'mean', 'mean', 'ratio', 'disagreement', 'drift', 'prometheus', 'http'],
] as const

/** Kinds that compare the answers to one request, or have no measured interval. */
const WITHOUT_THRESHOLD: readonly string[] = ['disagreement', 'drift']

type Better = 'higher' | 'lower'

/** Draws a metric of any kind; whether it is valid in its service is for the configuration's checks to say. `judge`: origin of who answers `prometheus` and `http`. */
export function drawMetric(chance: Chance, judge: string): MetricParts {
  const kind = chance.pick(...KINDS)
  const isThreshold = !WITHOUT_THRESHOLD.includes(kind) && chance.isSo(0.15)
  const common = given({
    onFailure: chance.maybe(0.4, () => chance.pick('rollback', 'pause', 'warn')),
    mode: chance.maybe(0.2, () => 'report'),
    segments: isThreshold ? undefined : chance.maybe(0.25, () => true),
    ...(isThreshold ? drawThreshold(chance) : {}),
  })
  return { kind, ...common, ...given(drawRules(chance, kind, isThreshold, judge)) }
}

function drawThreshold(chance: Chance) {
  return {
    method: 'threshold',
    interval: chance.pick('1s', '2s'),
    count: chance.maybe(0.5, () => chance.pick(1, 3, 5)),
    failureLimit: chance.maybe(0.5, () => chance.pick(-1, 0, 2)),
    inconclusiveLimit: chance.maybe(0.3, () => 2),
    consecutiveErrorLimit: chance.maybe(0.3, () => 1),
    consecutiveSuccessLimit: chance.maybe(0.3, () => 2),
  }
}

function drawRules(
  chance: Chance,
  kind: (typeof KINDS)[number],
  isThreshold: boolean,
  judge: string,
): Readonly<Record<string, unknown>> {
  // A threshold is nothing without its limit.
  const limit = <T>(...of: readonly T[]) =>
    isThreshold ? chance.pick(...of) : chance.maybe(0.4, () => chance.pick(...of))
  const window = () => chance.pick('500ms', '1s', '3s', '10s')
  const better = chance.pick<Better>('higher', 'lower')
  const directed = (...of: readonly (string | number)[]) => ({
    better: chance.maybe(0.6, () => better),
    ...drawMargin(chance, better),
    [chance.pick('min', 'max')]: limit(...of),
  })
  const labels = {
    labelWindow: window(),
    minLabels: chance.maybe(0.6, () => chance.pick(1, 10, 50)),
  }
  switch (kind) {
    case 'error-rate':
      return {
        ...drawMargin(chance, 'lower'),
        sensitivity: chance.maybe(0.3, () => chance.pick('5%', '20%')),
        floor: chance.maybe(0.3, () => chance.pick('0%', '1%')),
        max: limit('3%', '20%'),
      }
    case 'latency':
      return {
        ...drawMargin(chance, 'lower'),
        quantile: chance.pick(0.5, 0.9, 0.99),
        max: limit('20ms', '500ms'),
      }
    case 'rmse':
    case 'mae':
    case 'log-loss': {
      const cap = chance.maybe(0.5, () => chance.pick(1, 5, 50))
      return { ...drawMargin(chance, 'lower'), max: limit(0.5, 2, 20), cap, ...labels }
    }
    case 'accuracy':
      return { ...drawMargin(chance, 'higher'), min: limit('50%', '99%'), ...labels }
    case 'conversion': {
      const floor = chance.maybe(0.3, () => '1%')
      const event = chance.pick('buy', 'complaint')
      return { event, window: window(), floor, ...directed('1%', '30%') }
    }
    case 'sum':
      return {
        event: chance.pick('buy', 'refund'),
        field: chance.maybe(0.7, () => chance.pick('amount', 'value')),
        window: window(),
        cap: chance.maybe(0.5, () => chance.pick(10, 100)),
        ...directed(0, 1, 50),
      }
    case 'mean': {
      const ofEvents = { event: 'view', field: chance.maybe(0.5, () => 'ms'), window: window() }
      return {
        ...(chance.isSo(0.5) ? { of: 'body:/score' } : ofEvents),
        cap: chance.maybe(0.5, () => chance.pick(1, 100)),
        minLabels: chance.maybe(0.5, () => 10),
        ...directed(0, 0.5, 50),
      }
    }
    case 'ratio':
      return { numerator: 'click', denominator: 'view', window: window(), ...directed(0.1, 0.9) }
    case 'disagreement':
      return { max: chance.pick('1%', '50%') }
    case 'drift':
      return { of: chance.pick('prediction', 'request:/x', 'request:/n') }
    case 'prometheus':
      return { ...drawPolled(chance, limit), url: judge, query: 'up{variant="{{variant}}"}' }
    case 'http':
      return { ...drawPolled(chance, limit), url: `${judge}/judge`, value: '/value' }
  }
}

function drawPolled(chance: Chance, limit: (...of: readonly number[]) => number | undefined) {
  return {
    ...drawMargin(chance, 'lower'),
    max: limit(1, 5),
    interval: chance.pick('1s', '2s'),
  }
}

function drawMargin(chance: Chance, better: Better): Readonly<Record<string, unknown>> {
  if (!chance.isSo(0.8)) return {}
  return better === 'lower'
    ? { maxIncrease: chance.pick('0%', '5%', '10%', '30%', '200%') }
    : { maxDecrease: chance.pick('0%', '5%', '20%') }
}
