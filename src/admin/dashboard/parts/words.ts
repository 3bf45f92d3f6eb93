import { isDecided, type ComparisonVerdict } from '../../../domain/comparison.ts'
import type { Phase } from '../../../domain/decision.ts'
import type { VerdictMeaning } from '../../../domain/metric-facts.ts'
import { formatNumber, formatTimeSpan } from '../../../rollout/format.ts'
import type { ComparisonJson } from '../../present-comparison.ts'
import type { LogEvidenceJson } from '../../present-metric.ts'

/** How something is meant: its colour, never its only sign. */
export type Tone = 'good' | 'bad' | 'warn' | 'info' | 'plain'

/** The tone of a phase; null = a fixed split. */
export function toneOfPhase(phase: Phase | null): Tone {
  switch (phase) {
    case 'progressing':
      return 'info'
    case 'watching':
    case 'promoted':
      return 'good'
    case 'paused':
      return 'warn'
    case 'rolled-back':
      return 'bad'
    default:
      return 'plain'
  }
}

/** What a verdict is called, and how it is meant. */
type VerdictWord = { readonly word: string; readonly tone: Tone }

/** How a verdict reads, and its tone; `undecided`: each metric only warns or reports, so that there never is one over all. */
export const VERDICTS: Readonly<
  Record<VerdictMeaning | ComparisonVerdict | 'undecided', VerdictWord>
> = {
  successful: { word: 'no worse', tone: 'good' },
  failed: { word: 'worse', tone: 'bad' },
  inconclusive: { word: 'not known yet', tone: 'plain' },
  error: { word: 'not readable', tone: 'warn' },
  'within-limit': { word: 'within its limit', tone: 'good' },
  'beyond-limit': { word: 'beyond its limit', tone: 'bad' },
  shift: { word: 'shift flagged', tone: 'bad' },
  'no-shift': { word: 'no shift flagged', tone: 'plain' },
  'worse-by-little': { word: 'worse by little', tone: 'plain' },
  better: { word: 'better', tone: 'good' },
  'no-worse': { word: 'no worse', tone: 'good' },
  worse: { word: 'worse', tone: 'bad' },
  unknown: { word: 'not known yet', tone: 'plain' },
  undecided: { word: 'no metric decides', tone: 'plain' },
}

/** How what is said of a challenger in all reads, and its tone. */
export function verdictInAll({
  verdict,
  metrics,
  mismatched,
}: Pick<ComparisonJson, 'verdict' | 'metrics' | 'mismatched'>): VerdictWord {
  if (mismatched) return { word: 'not to be relied on', tone: 'bad' }
  return VERDICTS[isDecided(metrics) ? verdict : 'undecided']
}

/** Evidence as its natural logarithm and that at which it decides; a dash where none is asked for. */
export function formatEvidence(evidence: LogEvidenceJson | null): string {
  if (evidence === null) return '–'
  const { log, threshold } = evidence
  return `${log === null ? 'ruled out' : formatNumber(log)} of ${formatNumber(threshold)}`
}

/** The name of an attempt, for people: `1.4 → 2.0 #1`. */
export function formatRollout(id: string): string {
  return id.replace('->', ' → ').replace(/#(\d+)$/, ' #$1')
}

/** How long ago a time was: `3m 5s ago`, in one unit beyond an hour. */
export function formatAgo(iso: string, now: number): string {
  const ms = Math.max(0, now - Date.parse(iso))
  return ms < 1000 ? 'just now' : `${formatShort(ms)} ago`
}

/** A span in its largest unit, two below an hour. */
export function formatShort(ms: number): string {
  const span = formatTimeSpan(ms)
  return ms < 3_600_000 ? span : span.split(' ')[0]!
}
