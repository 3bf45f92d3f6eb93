import type { Spread } from '../spread.ts'

/** The figures of one burst in a closed loop, or their medians over all bursts. */
export type Figures = {
  /** CPU time of the whole process family over the requests answered. */
  readonly cpuMicrosPerRequest: number
  readonly requestsPerSecond: number
  /** Latencies of a saturated server. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Share of its core that the contender kept busy: near 1, the load really was at its limit. */
  readonly coreBusy: number
}

/** The names of the figures, in the order of the report. */
export const FIGURES: readonly (keyof Figures)[] = [
  'cpuMicrosPerRequest',
  'requestsPerSecond',
  'p50Ms',
  'p99Ms',
  'coreBusy',
]

/** Contenders that were measured side by side; everything by the name of the contender. */
export type Comparison = {
  /** Medians, the spreads behind them, and the bursts in the order of the rounds. */
  readonly contenders: Readonly<
    Record<
      string,
      Figures & {
        readonly spreads: Readonly<Record<keyof Figures, Spread>>
        readonly runs: readonly Figures[]
      }
    >
  >
  /** Contender over floor, paired within each round. */
  readonly ratios: Readonly<Record<string, Readonly<Record<keyof Figures, Spread>>>>
}

/** Latency at a fixed rate, from the intended time of sending; medians over the rounds where no spread is. */
export type Latency = {
  readonly ratePerSecond: number
  /** The driver keeps no more, though a higher share of the saturation was asked for. */
  readonly isCapped: boolean
  /** The rate as a share of the contender's saturation. */
  readonly ofSaturation: number
  /** Through the contender less straight to the upstream, paired. */
  readonly addedP50Ms: Spread
  readonly addedP99Ms: Spread
  /** The same of the median p99 of a tenth of a second. */
  readonly addedTypicalP99Ms: Spread
  readonly p50Ms: number
  readonly p99Ms: number
  readonly directP50Ms: number
  readonly directP99Ms: number
  /** How late the load itself was on the direct way; near `directP99Ms`, the load was at its limit. */
  readonly directSentP99Ms: number
  /** How late a process woke on the contender's core that only slept, while requests went straight to the upstream. */
  readonly coreLateP99Ms: number
}

/** What a request costs where each worker gets the same number of requests/s. */
export type RateCost = {
  readonly workers: number
  /** Of all workers together. */
  readonly ratePerSecond: number
  /** CPU time of the whole process family. */
  readonly cpuMicrosPerRequest: Spread
  /** Of that to the first contender's, which has one worker; paired within each round. */
  readonly ratio: Spread
  readonly p99Ms: number
  /** How late the load itself was. */
  readonly sentP99Ms: number
  /** Requests/s in a closed loop. */
  readonly saturationPerSecond: number
}

/** Memory of open event streams. */
export type Streams = {
  readonly streams: number
  readonly idleMiB: number
  readonly openMiB: number
  readonly kibPerStream: Spread
}

/** Resident memory over the requests of one process. */
export type Memory = {
  /** Median of the last quarter of the requests less that of the second one. */
  readonly growth: ResidentMemory
  readonly samples: readonly (ResidentMemory & { readonly requests: number })[]
}

/** Resident memory: the process' own pages, and those of files that it maps, such as a store's. */
export type ResidentMemory = { readonly ownMiB: number; readonly fileMiB: number }

/** The file that `--json` writes. What was not measured is not there. */
export type Report = Partial<Comparison> & {
  /** When the run ended, ISO 8601. */
  readonly at: string
  readonly machine: Readonly<Record<string, string | number>>
  readonly settings: Readonly<Record<string, string | number>>
  /** How the driver of a fixed rate runs, and the highest rate that it keeps and that was wanted. */
  readonly driver?: { readonly priority: string; readonly keptPerSecond: number }
  /** By contender, then by percent of its saturation as it was asked for. */
  readonly latency?: Readonly<Record<string, Readonly<Record<string, Latency>>>>
  readonly services?: Comparison
  readonly workers?: Comparison
  /** By contender. */
  readonly workersAtRate?: Readonly<Record<string, RateCost>>
  readonly streams?: Readonly<Record<string, Streams>>
  readonly memory?: Readonly<Record<string, Memory>>
}
