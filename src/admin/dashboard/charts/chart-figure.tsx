import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { Chart, type ChartProps } from './chart.tsx'
import { formatClock } from './time-ticks.ts'

/** A chart with its title, its lines by name and number, and the same in words and in a table. */
export function ChartFigure({
  title,
  summary,
  empty,
  ...chart
}: Omit<ChartProps, 'onPoint'> & {
  readonly title: string
  /** What the chart shows, as a sentence. */
  readonly summary: string
  /** Said instead of it while there is nothing to draw. */
  readonly empty: string
}) {
  const [pointed, setPointed] = useState<number | null>(null)
  const times = chart.columns[0] ?? []
  const index = pointed === null || pointed >= times.length ? times.length - 1 : pointed
  const isKnown = chart.columns.slice(1).some((column) => column.some((value) => value !== null))
  const shown = chart.lines.map((line, i) => ({
    line,
    value: chart.columns[i + 1]?.[index] ?? null,
  }))
  return (
    <figure class="chart-figure">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="legend">
          {shown.map(({ line, value }) => (
            <span class="legend-item" key={line.label}>
              {line.isEdge !== true && (
                <span class={`swatch swatch-${line.colour}${line.dash ? ' is-dashed' : ''}`} />
              )}
              {line.label} <b>{value === null ? '–' : chart.format(value)}</b>
            </span>
          ))}
          {pointed !== null && times[index] != null && (
            <span class="legend-item muted">{formatClock(new Date(times[index] * 1000))}</span>
          )}
        </span>
      </figcaption>
      {times.length < 2 || !isKnown ? (
        <div class="chart chart-empty">{empty}</div>
      ) : (
        <Chart {...chart} onPoint={setPointed} />
      )}
      <p class="visually-hidden">{summary}</p>
      <Numbers {...chart} title={title} />
    </figure>
  )
}

/** So many rows of a chart's numbers are shown: enough to read how it went. */
const ROWS = 24

function Numbers({
  title,
  lines,
  columns,
  format,
}: Pick<ChartProps, 'lines' | 'columns' | 'format'> & { readonly title: string }) {
  const [isOpen, setOpen] = useState(false)
  const times = columns[0] ?? []
  const gap = Math.max(1, Math.ceil(times.length / ROWS))
  const rows = times.flatMap((_, i) => ((times.length - 1 - i) % gap === 0 ? [i] : [])).reverse()
  return (
    <details class="numbers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Numbers<span class="visually-hidden"> of {title}</span>
      </summary>
      {isOpen && (
        <Scrolled label={`${title}, newest first`}>
          <table>
            <thead>
              <tr>
                <th scope="col">time</th>
                {lines.map(({ label }) => (
                  <th scope="col" class="number" key={label}>
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((i) => (
                <tr key={i}>
                  <th scope="row">{formatClock(new Date(times[i]! * 1000))}</th>
                  {lines.map(({ label }, n) => {
                    const value = columns[n + 1]?.[i] ?? null
                    return (
                      <td class="number" key={label}>
                        {value === null ? '–' : format(value)}
                      </td>
                    )
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
      )}
    </details>
  )
}

/** What may be wider than its place: it scrolls by itself, by keyboard too. */
export function Scrolled({
  label,
  children,
}: {
  readonly label: string
  readonly children: ComponentChildren
}) {
  return (
    <div class="scrolled" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  )
}
