import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { readColour, type ChartColour } from './chart-colours.ts'
import { drawCuts } from './draw-cuts.ts'
import { drawRules, drawRuleWords, type Rule } from './draw-rules.ts'
import { formatTicks } from './time-ticks.ts'

/** One line of a chart. */
export type Line = {
  readonly label: string
  readonly colour: ChartColour
  readonly dash?: readonly number[]
  /** Holds each value until the next; default: straight lines between them. */
  readonly isStepped?: boolean
  /** Not drawn itself: an edge of the band. */
  readonly isEdge?: boolean
}

/** What a chart shows: columns as uPlot wants them, the first is time in seconds since the epoch. */
export type ChartProps = {
  readonly lines: readonly Line[]
  readonly columns: readonly (readonly (number | null)[])[]
  readonly range: (min: number, max: number) => readonly [number, number]
  readonly format: (value: number) => string
  /** Along the axis; default: as `format`. */
  readonly formatTick?: (value: number) => string
  readonly rules?: readonly Rule[]
  /** Fills between two lines (indices into `lines`: upper, lower), in the colour of the first. */
  readonly band?: readonly [number, number]
  /** Told which moment is pointed at; null = none. */
  readonly onPoint: (index: number | null) => void
}

const HEIGHT = 168

/** A line chart over time. It is drawn for the eye alone: whoever uses it says the same in words. */
export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const latest = useRef(props)
  latest.current = props
  const shape = JSON.stringify([props.lines, props.band])

  useEffect(() => {
    const element = place.current!
    const created = new uPlot(buildOptions(latest, element.clientWidth), toData(latest), element)
    plot.current = created
    const resize = new ResizeObserver(() => {
      const { clientWidth: width } = element
      if (width > 0 && width !== created.width) created.setSize({ width, height: HEIGHT })
    })
    resize.observe(element)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const repaint = (): void => created.redraw(false)
    scheme.addEventListener('change', repaint)
    return () => {
      resize.disconnect()
      scheme.removeEventListener('change', repaint)
      created.destroy()
      plot.current = null
    }
  }, [shape])

  useEffect(() => plot.current?.setData(toData(latest)), [props.columns, props.rules])

  return <div class="chart" ref={place} aria-hidden="true" />
}

function toData({ current }: { readonly current: ChartProps }): uPlot.AlignedData {
  return current.columns as unknown as uPlot.AlignedData
}

function buildOptions(latest: { readonly current: ChartProps }, width: number): uPlot.Options {
  const { lines, band } = latest.current
  const axis = {
    font: '11px system-ui, sans-serif',
    stroke: () => readColour('muted'),
    grid: { stroke: () => readColour('line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width: Math.max(width, 1),
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: false, y: false },
      sync: { key: 'moments' },
    },
    scales: {
      y: {
        range: (_, min, max) => {
          const [low, high] = latest.current.range(min ?? 0, max ?? 1)
          return [low, high]
        },
      },
    },
    axes: [
      { ...axis, size: 26, space: 64, values: (_, splits) => formatTicks(splits) },
      {
        ...axis,
        size: 58,
        space: 28,
        values: (_, splits) => {
          const { format, formatTick = format } = latest.current
          return splits.map((value) => formatTick(value))
        },
      },
    ],
    series: [
      {},
      ...lines.map(({ label, colour, dash, isStepped, isEdge }) => ({
        label,
        stroke: () => (isEdge === true ? 'transparent' : readColour(colour)),
        width: 1.75,
        points: { show: false },
        spanGaps: false,
        ...(dash === undefined ? {} : { dash: [...dash] }),
        ...(isStepped === true ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
      })),
    ],
    ...(band === undefined
      ? {}
      : {
          bands: [
            {
              series: [band[0] + 1, band[1] + 1],
              fill: () =>
                `color-mix(in srgb, ${readColour(lines[band[0]]!.colour)} 22%, transparent)`,
            },
          ] as uPlot.Band[],
        }),
    hooks: {
      drawAxes: [(u) => drawRules(u, latest.current.rules ?? [])],
      draw: [
        (u) => {
          if (band !== undefined) {
            const [upper, lower] = band
            drawCuts(u, { upper: upper + 1, lower: lower + 1 }, lines[upper]!.colour)
          }
          drawRuleWords(u, latest.current.rules ?? [])
        },
      ],
      setCursor: [(u) => latest.current.onPoint(u.cursor.idx ?? null)],
    },
  }
}
