import { Counter, Gauge, type Registry } from 'prom-client'

/** A metric that is read when it is scraped. */
export type Collected = {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  /**
   * Of a gauge that several processes have: what their values make together (`sum` by default). `first` is
   * that of the process that decides, for what the others only follow.
   */
  readonly aggregator?: 'sum' | 'min' | 'max' | 'first'
  readonly read: () => Iterable<readonly [Readonly<Record<string, string>>, number]>
}

/** Registers a counter that is read when it is scraped. */
export function collectCounter(registry: Registry, { read, labelNames, ...rest }: Collected): void {
  new Counter({
    ...rest,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of read()) this.inc({ ...labels }, value)
    },
  })
}

/** Registers a gauge that is read when it is scraped. */
export function collectGauge(registry: Registry, { read, labelNames, ...rest }: Collected): void {
  new Gauge({
    ...rest,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of read()) this.set({ ...labels }, value)
    },
  })
}
