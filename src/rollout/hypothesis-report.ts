import { BASELINE_SIDE, CANARY_SIDE, type Pair } from '../domain/cohort.ts'
import type { BetEvidence, EventEvidence, EventStratum, Evidence } from '../domain/evidence.ts'
import { isContinuous, wholeId, type Hypothesis } from '../domain/hypothesis.ts'
import type {
  LogEvidence,
  MetricReport,
  ShownSince,
  SlowShares,
  Verdict,
} from '../domain/verdict.ts'
import { eventHarmLogEvidences } from '../statistics/event-evidence.ts'
import { logMeanExp } from '../statistics/log-sum-exp.ts'
import { etaSeconds } from '../statistics/planner.ts'
import { agreeWithVerdict } from './agree-with-verdict.ts'
import { readFigures, windowSeconds, type Figures } from './figures.ts'
import type { JudgeContext } from './judge.ts'
import { leavesOutagesOut } from './leaves-outages-out.ts'
import { isDecidingLimit, limitReport, LIMIT_TICKS, type LimitReading } from './limits.ts'
import { harmMargin, proofMargin } from './margin.ts'
import { firstWeight } from './mirror-step.ts'
import { provingStep, type RolloutPlan } from './plan.ts'
import { proofsSoFar } from './proofs-so-far.ts'
import { segmentShare } from './segment-share.ts'
import { shownSince } from './shown-since.ts'
import { passedCap, testedVerdict } from './tested-verdict.ts'
import { describeUnreadable } from './unreadable.ts'

type Tested = EventEvidence | BetEvidence

/**
 * The report on a hypothesis that evidence is gathered for: `failed` where harm is shown or its absolute limit
 * is broken, `successful` where the canary is shown to be no worse, else `inconclusive`. Most evaluations ask
 * for verdicts alone, so what people read is worked out when it is read; `writeReport` makes plain data of it.
 */
export class HypothesisReport implements MetricReport {
  readonly verdict: Verdict
  readonly required: boolean
  readonly limit: MetricReport['limit']
  readonly #plan: RolloutPlan
  readonly #evidence: Evidence
  readonly #hypothesis: Hypothesis
  readonly #context: JudgeContext
  readonly #found: Tested
  #known: Figures | null = null
  #ratio: MetricReport['ratio'] = null

  /** `limit`: the absolute limit of the same metric; null = it has none. */
  constructor(
    plan: RolloutPlan,
    evidence: Evidence,
    hypothesis: Hypothesis,
    limit: LimitReading | null,
    context: JudgeContext,
  ) {
    const ticksBeyond = evidence.limitTicks[hypothesis.id] ?? 0
    this.#plan = plan
    this.#evidence = evidence
    this.#hypothesis = hypothesis
    this.#context = context
    this.#found = evidence.hypotheses[hypothesis.id] as Tested
    this.required = hypothesis.required || isDecidingLimit(limit)
    this.limit = limit === null ? null : limitReport(limit, ticksBeyond)
    // What was counted under a limit of pairs, or one that a reload took away, is nothing that this metric is beyond.
    const isBroken = limit !== null && ticksBeyond >= LIMIT_TICKS
    this.verdict = isBroken ? 'failed' : testedVerdict(hypothesis, this.#found, evidence.caps)
  }

  get name(): string {
    return this.#hypothesis.id
  }

  get threshold(): null {
    return null
  }

  get error(): null {
    return null
  }

  get outsideAlpha(): boolean {
    return false
  }

  get evidence(): MetricReport['evidence'] {
    return new TestedEvidence(this.#hypothesis, this.#found, this.#stepStart)
  }

  get segment(): string | undefined {
    return this.#hypothesis.segment
  }

  get kind(): string {
    const id = wholeId(this.#hypothesis)
    return this.#plan.metrics.find((m) => m.name === id)?.kind ?? this.#hypothesis.source.of
  }

  get until(): MetricReport['until'] {
    const { source } = this.#hypothesis
    return source.of === 'latency' ? source.until : undefined
  }

  get onFailure(): MetricReport['onFailure'] {
    return this.#hypothesis.onFailure
  }

  get better(): MetricReport['better'] {
    return this.#hypothesis.better
  }

  get margins(): MetricReport['margins'] {
    const hypothesis = this.#hypothesis
    const floor = hypothesis.proof?.floor ?? 0
    return { harm: harmMargin(hypothesis), proof: proofMargin(hypothesis), floor }
  }

  get cap(): number | null {
    const { metric, source } = this.#hypothesis
    if (!isContinuous(source) || source.of === 'ratio') return null
    // Of answers that are right or wrong there is nothing to cap.
    if (source.of === 'score' && source.score === 'correct') return null
    return source.cap ?? this.#evidence.caps[metric!] ?? null
  }

  get baseline(): MetricReport['baseline'] {
    return this.#figures.baseline
  }

  get canary(): MetricReport['canary'] {
    return this.#figures.canary
  }

  get slow(): SlowShares | undefined {
    return this.#figures.slow
  }

  get since(): ShownSince | undefined {
    return shownSince(this.#hypothesis, this.#found, this.#stepStart)
  }

  get unscored(): MetricReport['unscored'] {
    const found = this.#found
    if (found.kind !== 'event' || found.unscored === undefined) return undefined
    const sum = (pair: Readonly<Pair>) => pair[BASELINE_SIDE] + pair[CANARY_SIDE]
    const labels = sum(found.unscored)
    return { labels, of: sum(found.trials) - sum(found.events) + labels }
  }

  get unreadable(): string | undefined {
    const { predictions } = this.#context
    if (this.#hypothesis.source.of !== 'label-missing' || predictions === undefined)
      return undefined
    return describeUnreadable({ predictions }) ?? undefined
  }

  get withoutOutages(): true | undefined {
    return leavesOutagesOut(this.#hypothesis, this.#found) ? true : undefined
  }

  get passedCap(): MetricReport['passedCap'] {
    return passedCap(this.#hypothesis, this.#found, this.#evidence.caps)
  }

  get ratio(): MetricReport['ratio'] {
    // It costs a search, and a report is read by many until there is other evidence.
    return (this.#ratio ??= agreeWithVerdict(
      this.#figures.ratio(),
      this.#hypothesis,
      this.#evidence,
    ))
  }

  get stepCanaryN(): number {
    if (!this.#isStepFolded) return 0
    const found = this.#found
    return (found.kind === 'event' ? found.stepTrials : found.stepMoments.n)[CANARY_SIDE]
  }

  get etaSeconds(): number | null {
    return remaining(this.#plan, this.#hypothesis, this.#evidence, this.#figures, this.#context)
  }

  /** The start point of the current step; null = nothing of it is in the evidence. */
  get #stepStart(): number | null {
    // Label metrics fold a whole window late: until then the step's own sums are still another step's.
    // Where the canary has all requests nothing is compared, so the step has no start point either.
    return this.#isStepFolded && this.#context.pi < 1 ? this.#evidence.stepStart : null
  }

  get #isStepFolded(): boolean {
    return this.#found.step === this.#context.step
  }

  get #figures(): Figures {
    return (this.#known ??= readFigures(this.#hypothesis, this.#found, this.#context))
  }
}

/** The evidence of one hypothesis against the thresholds that it decides at. */
class TestedEvidence {
  readonly harm: LogEvidence
  readonly nonInferiority: LogEvidence | null
  readonly stepNonInferiority: LogEvidence | null
  readonly #hypothesis: Hypothesis
  readonly #found: Tested
  readonly #stepStart: number | null

  /** `stepStart`: the start point of the current step; null = nothing of the step is folded. */
  constructor(hypothesis: Hypothesis, found: Tested, stepStart: number | null) {
    const { harm, proof } = hypothesis
    const against = (log: number) =>
      proof === null ? null : { log, threshold: Math.log(1 / proof.alpha) }
    this.harm = { log: found.sup.harm, threshold: Math.log(1 / harm.alpha) }
    this.nonInferiority = against(found.sup.proof)
    this.stepNonInferiority = stepStart === null ? null : against(found.sup.stepProof)
    this.#hypothesis = hypothesis
    this.#found = found
    this.#stepStart = stepStart
  }

  get stepHarm(): LogEvidence | null {
    if (this.#stepStart === null) return null
    const log = harmSince(this.#hypothesis, this.#found, this.#stepStart)
    return { log, threshold: this.harm.threshold }
  }
}

// Median seconds until every proof that is asked for is there: the longest over all cohorts and, in the step
// that has to show it by itself, over the step's own. They rise with the same requests, so that the longest of
// the medians is about the median of the longest. Null = not known; 0 = nothing is asked for any more.
function remaining(
  plan: RolloutPlan,
  hypothesis: Hypothesis,
  evidence: Evidence,
  figures: Figures,
  context: JudgeContext,
): number | null {
  const { proof, source } = hypothesis
  if (proof === null) return null
  const isOwn = !plan.keyed && context.step === provingStep(plan.steps)
  const goal = Math.log(1 / proof.alpha)
  const proofs = proofsSoFar(hypothesis, evidence, isOwn, context.step)
  const open = proofs.filter(({ sup }) => sup < goal)
  if (open.length === 0) return 0
  const growths = figures.growths()
  if (growths === null) return null
  // What was drawn within the last window is on its way, so it is waited for once; but in the first
  // step the bets of a label metric begin only when the first window has told what they centre on.
  const isFirst = context.step === firstWeight(plan.steps)
  const windows = isFirst && isContinuous(source) ? 2 : 1
  const warmUp = isFirst ? plan.spec.analysis.warmUpMs / 1000 : 0
  const due = warmUp + windows * windowSeconds(hypothesis)
  const times = open.map(({ wealth }) =>
    etaSeconds({
      growths,
      wealth: wealth() ?? growths.map(() => 0),
      goal,
      // With something to grow from, something is judged.
      ratePerSecond: context.unitsPerSecond * segmentShare(hypothesis, evidence)!,
      settleSeconds: Math.max(0, due - (context.now - context.stepEnteredAt) / 1000),
    }),
  )
  return times.includes(null) ? null : Math.max(...(times as number[]))
}

function harmSince(hypothesis: Hypothesis, evidence: Tested, stepStart: number): number {
  if (evidence.kind === 'bet') {
    const wealth = evidence.harm[stepStart]
    return wealth === undefined ? 0 : logMeanExp(wealth)
  }
  const strata: readonly EventStratum[] = evidence.harm[stepStart] ?? []
  return eventHarmLogEvidences(hypothesis, [strata])[0]!
}
