import { Fragment } from 'preact'
import { formatCount, formatPercent, formatWeight } from '../../../rollout/format.ts'
import type { FiguresJson, ServiceSummaryJson } from '../../present-summary.ts'
import { addressOf } from '../live/use-route.ts'
import { Badge } from '../parts/badge.tsx'
import { Sentence } from '../parts/sentence.tsx'
import { formatAgo, formatRollout, toneOfPhase, VERDICTS, type Tone } from '../parts/words.ts'
import { WeightBar } from '../parts/weight-bar.tsx'
import { concernOf } from './attention.ts'

/** One service in the list of all. */
export function OverviewRow({
  service,
  now,
}: {
  readonly service: ServiceSummaryJson
  readonly now: number
}) {
  const { name, phase, rollout, step, weights, lastDecision } = service
  const concern = concernOf(service)
  return (
    <tr class={concern === null ? '' : 'wants-attention'}>
      <th scope="row">
        <a href={addressOf(name)}>{name}</a>
        {rollout !== null && <span class="sub">{formatRollout(rollout)}</span>}
      </th>
      <td data-label="Phase">
        <Badge tone={toneOfPhase(phase)}>{phase ?? kindOfSplit(service)}</Badge>
        <span class="sub">
          {concern ?? (step?.kind == null ? '' : `step ${step.index + 1} of ${step.of}`)}
        </span>
      </td>
      <td data-label="Weights">
        <WeightBar weights={weights} />
        <span class="sub">
          {Object.entries(weights).map(([variant, weight], i) => (
            // A line is broken at a blank outside of what is kept whole.
            <Fragment key={variant}>
              {i > 0 && ' '}
              <span class="whole">
                {i > 0 && '· '}
                {variant} {formatWeight(weight)}
              </span>
            </Fragment>
          ))}
        </span>
      </td>
      <td data-label="Evidence">
        <Verdicts verdicts={service.verdicts} />
      </td>
      <td data-label="Errors" class="number">
        {Object.entries(service.figures).map(([variant, figures]) => (
          <span class="figure" key={variant}>
            <span class="muted">{variant}</span> {errorsOf(figures)}
          </span>
        ))}
      </td>
      <td data-label="Last decision" class="decision-cell">
        {lastDecision === null ? (
          <span class="muted">none</span>
        ) : (
          <>
            <span class="clamp">
              <Sentence text={lastDecision.summary} />
            </span>
            <span class="sub">
              {formatAgo(lastDecision.at, now)} by {lastDecision.actor}
            </span>
          </>
        )}
      </td>
    </tr>
  )
}

/** Of an experiment there are verdicts, one for each challenger. */
function kindOfSplit({ verdicts }: ServiceSummaryJson): string {
  return Object.keys(verdicts).length > 0 ? 'experiment' : 'fixed weights'
}

/** What is bad is read first. */
const ORDER: readonly Tone[] = ['bad', 'warn', 'good', 'plain']

function Verdicts({ verdicts }: Pick<ServiceSummaryJson, 'verdicts'>) {
  const byWord = new Map<string, { tone: Tone; names: string[] }>()
  for (const [name, verdict] of Object.entries(verdicts)) {
    const { word, tone } = VERDICTS[verdict]
    const group = byWord.get(word) ?? { tone, names: [] }
    group.names.push(name)
    byWord.set(word, group)
  }
  if (byWord.size === 0) return <span class="muted">nothing is compared</span>
  const inOrder = [...byWord].sort(([, a], [, b]) => ORDER.indexOf(a.tone) - ORDER.indexOf(b.tone))
  return (
    <span class="verdicts">
      {inOrder.map(([word, { tone, names }]) => (
        <span key={word} title={names.join(', ')}>
          <Badge tone={tone}>
            {names.length} {word}
          </Badge>
        </span>
      ))}
    </span>
  )
}

function errorsOf({ requests, errors }: FiguresJson): string {
  return requests === 0 ? '–' : `${formatPercent(errors / requests)} of ${formatCount(requests)}`
}
