import { formatNumber, formatOdds } from '../../../rollout/format.ts'
import type { LogEvidenceJson } from '../../present-metric.ts'

/** How far evidence is on its way to the threshold at which it decides. */
export function EvidenceMeter({
  label,
  kind,
  evidence,
}: {
  readonly label: string
  readonly kind: 'harm' | 'proof'
  readonly evidence: LogEvidenceJson | null
}) {
  if (evidence === null) {
    return (
      <div class="meter-row">
        <span>{label}</span>
        <span class="muted">not asked</span>
      </div>
    )
  }
  const { log, threshold } = evidence
  const share = Math.min(1, Math.max(0, (log ?? 0) / threshold))
  const isShown = log !== null && log >= threshold
  return (
    <div class="meter-row">
      <span>{label}</span>
      <span class="meter" aria-hidden="true">
        <span class={`meter-fill fill-${kind}`} style={{ width: `${share * 100}%` }} />
      </span>
      <span class="meter-text">
        {log === null ? 'ruled out' : `${formatNumber(log)} of ${formatNumber(threshold)}`}
        <span class="muted">
          {isShown ? ' · shown' : log !== null && log > 0 ? ` · ${formatOdds(log)}` : ''}
        </span>
      </span>
    </div>
  )
}
