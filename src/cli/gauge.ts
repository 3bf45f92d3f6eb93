import type { LogEvidenceJson, MetricJson } from '../admin/present-metric.ts'
import type { Cell, Style } from './render.ts'

/** Cells on each side of the middle of a gauge. */
const SIDE_CELLS = 7

/** Draws a share in [0, 1] as a bar. */
export function drawBar(share: number, cells: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * cells)
  return '█'.repeat(full) + '░'.repeat(cells - full)
}

/**
 * How far log-evidence is on the way to its threshold, in [0, 1]; null = it is not asked for. Evidence
 * that speaks against what is to be shown is 0.
 */
export function evidenceShare(evidence: LogEvidenceJson | null): number | null {
  if (evidence === null) return null
  return evidence.log === null ? 0 : Math.min(1, Math.max(0, evidence.log / evidence.threshold))
}

/**
 * Draws the evidence of a metric against its two thresholds: to the left that the canary is worse, to the
 * right that it is no worse, each full where it is shown; what is not asked for is dotted. Null where the
 * metric has no such evidence.
 */
export function drawGauge(
  { harm, nonInferiority }: MetricJson['evidence'],
  style: Style,
): Cell | null {
  const worse = evidenceShare(harm)
  const noWorse = evidenceShare(nonInferiority)
  if (worse === null && noWorse === null) return null
  const left = Array.from(drawSide(worse)).toReversed().join('')
  const text = `${renderShare(worse).padStart(5)} ${left}│${drawSide(noWorse)} ${renderShare(noWorse)}`
  const paint =
    (worse ?? 0) === 1 ? style.bad : (noWorse ?? 0) === 1 ? style.good : (plain: string) => plain
  return { text, paint }
}

/**
 * The same in a few characters: `12│70 %` is 12 % of the way to "worse" and 70 % to "no worse", `-` what is not
 * asked for; a `-` alone where the metric has no such evidence.
 */
export function renderEvidence({ harm, nonInferiority }: MetricJson['evidence']): string {
  const worse = evidenceShare(harm)
  const noWorse = evidenceShare(nonInferiority)
  if (noWorse === null) return worse === null ? '-' : `${renderShare(worse)}│-`
  return `${worse === null ? '-' : toPercent(worse)}│${renderShare(noWorse)}`
}

function drawSide(share: number | null): string {
  return share === null ? '·'.repeat(SIDE_CELLS) : drawBar(share, SIDE_CELLS)
}

function renderShare(share: number | null): string {
  return share === null ? '-' : `${toPercent(share)} %`
}

// Rounded down: 100 % is said of what is shown alone.
function toPercent(share: number): number {
  return Math.floor(share * 100)
}
