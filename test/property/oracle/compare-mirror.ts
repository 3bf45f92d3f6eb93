import { createRandom } from '../../../src/demo/seeded-random.ts'
import type { MetricReport, ShareBounds } from '../../../src/domain/verdict.ts'
import { Simulation, type Fate } from '../../fakes/simulation.ts'
import { isClose, type Comparison } from './compare.ts'
import type { MirrorCase } from './mirror-cases.ts'
import { INTERVAL_MS, testsOfSegment, type Test } from './mirror-tests.ts'
import { shareBounds, type Pair } from './mirrors.ts'
import { questionsOf } from './questions.ts'

/** Nothing is judged before. */
const WARM_UP_MS = 1000

/** What a test shows at a look. */
type Shown = {
  readonly at: number
  readonly phase: string
  readonly step: number
  readonly reports: readonly ReturnType<typeof copyReport>[]
}

/** Drives a mirror step of so many seconds, and holds what is shown of it against docs/mirrors.md. */
export async function compareMirror(life: MirrorCase, seconds: number): Promise<Comparison> {
  const random = createRandom(life.seed)
  const pairs: Pair[] = []
  const shown: Shown[] = []
  let segment = 'none'
  let request: Fate | null = null
  const simulation: Simulation = await Simulation.create({
    ...{ service: life.service, random, rps: 100, keys: 0 },
    ...(life.segments.length === 0
      ? undefined
      : { segment: () => life.segments[Math.floor(random() * life.segments.length)]! }),
    fate: (_variant, _ms, of) => {
      segment = of ?? 'none'
      return (request = life.fate(random))
    },
    copy: (at) => {
      const copied = life.copy(random, request!)
      const { outcome, latencyMs, error, prediction = 0, labelAfterMs } = request!
      const failed = outcome === 'failed'
      pairs.push({
        segment,
        // Of what comes in the same moment as a look the look is later.
        interval: Math.ceil(at / INTERVAL_MS) - 1,
        knownAt: at + Math.max(latencyMs, copied.latencyMs),
        failed: [failed, copied.failed],
        disagreed: copied.disagreed,
        predictions: [failed ? null : prediction, copied.failed ? null : copied.prediction!],
        label:
          error === null ? null : { at: at + latencyMs + labelAfterMs, value: prediction + error },
      })
      return copied
    },
  })
  await simulation.run(seconds * 1000, () => {
    const { metrics, state } = simulation.evaluator.view('svc')!
    const { phase, step } = state
    shown.push({ at: simulation.elapsedMs, phase, step, reports: metrics.map(copyReport) })
    return phase !== 'progressing' || step > 0
  })
  const comparing = new Comparing(life, pairs)
  for (const each of shown) comparing.look(each)
  if (simulation.errors.length > 0) comparing.differ.push(String(simulation.errors[0]))
  return comparing
}

class Comparing implements Comparison {
  readonly compared: Record<string, number> = {}
  readonly differ: string[] = []
  readonly #pairs: readonly Pair[]
  readonly #tests: readonly Test[]
  readonly #most = new Map<string, [number, number]>()
  readonly #through = new Map<string, number>()

  readonly #life: MirrorCase
  readonly #alpha: number

  constructor(life: MirrorCase, pairs: readonly Pair[]) {
    this.#life = life
    this.#pairs = pairs.filter(({ interval }) => interval * INTERVAL_MS >= WARM_UP_MS)
    this.#tests = life.metrics.flatMap((metric) => {
      const segments = [null, ...(metric.segments ?? [])]
      return segments.flatMap((segment) => testsOfSegment(metric, segment, this.#pairs))
    })
    // What is asked of live requests has its part of α, too.
    const live = questionsOf(life.metrics.filter(({ kind }) => kind !== 'disagreement'))
    const parts = [...live.map((each) => each.required), ...this.#tests.map((t) => !t.isGuard)]
    this.#alpha = 0.05 / parts.filter(Boolean).length
  }

  look({ at, phase, step, reports }: Shown): void {
    const isShown: Test[] = []
    let isReady = at >= this.#life.mirror.minDurationMs
    for (const test of this.#tests) {
      const { id } = test
      const through = this.#foldedThrough(at, test.windowMs)
      const folded = this.#pairs.filter(({ interval }) => interval <= through)
      const report = reports.find(({ name }) => name === id)
      if (report === undefined) {
        // With the first weight what the mirror has shown is gone.
        if (step === 0) this.differ.push(`${id} is not shown after ${at / 1000} s`)
        continue
      }
      // What was shown once stands.
      for (let n = (this.#through.get(id) ?? -1) + 1; n <= through; n++) {
        const [harm, proof] = test.evidence(folded.filter(({ interval }) => interval <= n))
        const [h, p] = this.#most.get(id) ?? [0, 0]
        this.#most.set(id, [Math.max(h, harm), Math.max(p, proof ?? 0)])
      }
      this.#through.set(id, through)
      const [harm, proof] = this.#most.get(id) ?? [0, 0]
      const [values, all] = [test.values(folded), report.evidence]
      const goal = Math.log(test.isGuard ? 1000 : 1 / this.#alpha)
      this.#hold(`harm of ${id}`, at, [harm, goal], [all.harm?.log, all.harm?.threshold])
      if (harm >= goal) isShown.push(test)
      if (test.minLabels !== null && (values[0] ?? 0) < test.minLabels) isReady = false
      const isProved = all.nonInferiority !== null && proof >= Math.log(20)
      const verdict = harm >= goal ? 'failed' : isProved ? 'successful' : 'inconclusive'
      this.#hold(`verdict of ${id}`, at, verdict, report.verdict)
      if (test.share !== undefined) {
        const [of, compared, max] = test.share(folded)
        if (of > max * compared || compared < this.#life.mirror.minRequests) isReady = false
        if (compared > 0) this.#bounds(test, at, shareBounds(of, compared, goal), report.bounds)
      }
      if (all.nonInferiority !== null) {
        this.#hold(`proof of ${id}`, at, proof, all.nonInferiority.log)
      }
      const { baseline, canary } = report
      const has = [baseline.n, baseline.value, canary.n, canary.value]
      this.#hold(`values of ${id}`, at, values, has)
    }
    const through = this.#foldedThrough(at, 0)
    const judged = this.#pairs.filter(({ interval }) => interval <= through).length
    if (judged < this.#life.mirror.minRequests) isReady = false
    const isWorse = isShown.some(({ isGuard }) => !isGuard)
    const oracle = isWorse ? 'rolled-back' : isShown.length > 0 ? 'paused' : 'progressing'
    const next = oracle === 'progressing' && isReady ? 'next' : oracle
    this.#hold('decision', at, at === 0 ? phase : next, step > 0 ? 'next' : phase)
  }

  #bounds({ id }: Test, at: number, bounds: readonly number[], shown: ShareBounds | undefined) {
    this.#hold(`bounds of ${id}`, at, bounds, shown && [shown.lower, shown.upper], 1e-5)
  }

  /** The last interval that is over, with those before it, whose pairs are all known, and whose labels had their time. */
  #foldedThrough(at: number, windowMs: number): number {
    let through = -1
    for (let interval = 1; (interval + 1) * INTERVAL_MS + windowMs <= at; interval++) {
      const own = this.#pairs.filter((pair) => pair.interval === interval)
      if (own.some(({ knownAt }) => knownAt > at)) break
      through = interval
    }
    return through
  }

  #hold(what: string, at: number, oracle: unknown, product: unknown, within = 1e-9): void {
    const kind = what.split(' of ')[0]!
    this.compared[kind] = (this.compared[kind] ?? 0) + 1
    if (isClose(oracle ?? null, product ?? null, within)) return
    const [mine, shown] = [JSON.stringify(oracle), JSON.stringify(product)]
    this.differ.push(`${what} after ${at / 1000} s: ${mine}, and the product has ${shown}`)
  }
}

function copyReport({ name, verdict, baseline, canary, evidence, bounds }: MetricReport) {
  const { harm, nonInferiority } = evidence
  return { name, verdict, baseline, canary, evidence: { harm, nonInferiority }, bounds }
}
