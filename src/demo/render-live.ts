import type { MetricJson } from '../admin/present-metric.ts'
import type { ServiceJson } from '../admin/present.ts'
import { rmseOf } from './user-tally.ts'
import type { UserTally } from './user-tally.ts'

/** One service at one moment. `view: null` = not known yet. */
export type LiveService = {
  readonly service: string
  readonly story: string
  readonly view: ServiceJson | null
  readonly users: UserTally
  /** Set once the rollout has ended. */
  readonly ending: string | null
}

const BAR_CELLS = 30
const EVIDENCE_CELLS = 10

/** Draws the services as a block of lines of at most 80 columns, seven lines each. */
export function renderLive(services: readonly LiveService[], elapsedMs: number): readonly string[] {
  const header = `serin demo  ${formatClock(elapsedMs)}  Ctrl-C ends it`
  return [header, ...services.flatMap(renderService)].map((line) => line.slice(0, 80))
}

/** One line on all services, for output that cannot be redrawn. */
export function renderProgress(services: readonly LiveService[], elapsedMs: number): string {
  const parts = services.map(({ service, view }) => {
    if (view === null) return `${service} …`
    const eta = view.etaSeconds === null ? '' : ` (next step in ${Math.ceil(view.etaSeconds)} s)`
    return `${service} ${view.weights['canary'] ?? 0} % ${view.phase ?? 'no rollout'}${eta}`
  })
  return `[${formatClock(elapsedMs)}] ${parts.join(' · ')}`
}

/** Minutes and seconds: 83,000 ms is `01:23`. */
export function formatClock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const pad = (value: number): string => String(value).padStart(2, '0')
  return `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`
}

function renderService(live: LiveService): readonly string[] {
  const title = `${live.service}: ${live.story}`
  if (live.view === null) return ['', title, '  waiting for the gateway', '', '', '', '']
  const { view, users } = live
  const weight = view.weights['canary'] ?? 0
  const step = view.step === null ? '' : ` · step ${view.step.index + 1} of ${view.step.of}`
  return [
    '',
    title,
    `  ${drawBar(weight / 100, BAR_CELLS)} canary ${weight} % · ${view.phase ?? 'no rollout'}${step}`,
    renderVariant('baseline', view, users),
    renderVariant('canary', view, users),
    `  ${renderEvidence(view)}`,
    `  ${live.ending ?? describeRest(view)}`,
  ]
}

/** How long the present step takes, as the gateway reckons, and what it waits for. */
function describeRest({ etaSeconds, missing }: ServiceJson): string {
  const eta = etaSeconds === null ? [] : [`next step in about ${Math.ceil(etaSeconds)} s`]
  return [...eta, ...missing.slice(0, 1)].join('; ')
}

function renderVariant(name: string, view: ServiceJson, users: UserTally): string {
  const tally = users[name] ?? { requests: 0, errors: 0, wrong: 0, squaredError: 0 }
  const rmse = rmseOf(tally)
  return (
    `  ${name.padEnd(8)} ${(view.variants[name]?.version ?? '').padEnd(4)}` +
    `${formatCount(tally.requests).padStart(8)} requests${formatCount(tally.errors).padStart(6)} errors` +
    `${formatCount(tally.wrong).padStart(6)} wrong   RMSE ${rmse === null ? '–' : rmse.toFixed(2)}`
  )
}

/** The two metrics that people should watch, each with how far its evidence is on the way. */
function renderEvidence(view: ServiceJson): string {
  const shown = ['errors', 'rmse'].map((name) => view.metrics.find((m) => m.name === name))
  return shown
    .filter((metric) => metric !== undefined)
    .map(renderMetric)
    .join('   ')
}

function renderMetric(metric: MetricJson): string {
  const { harm, nonInferiority } = metric.evidence
  const worse = progress(harm)
  const noWorse = progress(nonInferiority)
  const [word, share] = worse > noWorse ? ['worse', worse] : ['no worse', noWorse]
  return `${metric.name}: ${word} ${drawBar(share, EVIDENCE_CELLS)} ${Math.floor(share * 100)} %`
}

/** How far log-evidence is on the way to its threshold, in [0, 1]. */
function progress(evidence: MetricJson['evidence']['harm']): number {
  if (evidence === null || evidence.log === null) return 0
  return Math.min(1, Math.max(0, evidence.log / evidence.threshold))
}

function drawBar(share: number, cells: number): string {
  const full = Math.round(share * cells)
  return '█'.repeat(full) + '░'.repeat(cells - full)
}

function formatCount(value: number): string {
  return value.toLocaleString('en-US')
}
