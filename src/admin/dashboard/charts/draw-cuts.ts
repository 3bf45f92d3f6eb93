import type uPlot from 'uplot'
import { readColour, type ChartColour } from './chart-colours.ts'

/** Marks where an edge of a band goes beyond the axis: dots along that end of it, and an arrow out of the chart. */
export function drawCuts(
  u: uPlot,
  /** Series of the band's edges. */
  edges: { readonly upper: number; readonly lower: number },
  colour: ChartColour,
): void {
  const { min, max } = u.scales['y']!
  if (min == null || max == null) return
  const { top, height } = u.bbox
  const above = findCuts(u.data[edges.upper]!, (value) => value > max)
  const below = findCuts(u.data[edges.lower]!, (value) => value < min)
  for (const cut of above) drawCut(u, cut, { y: top, towards: 1, arrow: '↑' }, colour)
  for (const cut of below) drawCut(u, cut, { y: top + height, towards: -1, arrow: '↓' }, colour)
}

type Cut = readonly [first: number, last: number]

/** Runs of moments at which an edge lies beyond. */
function findCuts(
  values: ArrayLike<number | null | undefined>,
  isBeyond: (value: number) => boolean,
): readonly Cut[] {
  const cuts: [number, number][] = []
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (value == null || !isBeyond(value)) continue
    const last = cuts.at(-1)
    if (last?.[1] === i - 1) last[1] = i
    else cuts.push([i, i])
  }
  return cuts
}

function drawCut(
  u: uPlot,
  [first, last]: Cut,
  { y, towards, arrow }: { readonly y: number; readonly towards: 1 | -1; readonly arrow: string },
  colour: ChartColour,
): void {
  const { ctx, data, bbox } = u
  const ratio = devicePixelRatio
  const from = Math.max(bbox.left, u.valToPos(data[0][first]!, 'x', true) - 3 * ratio)
  const to = Math.min(bbox.left + bbox.width, u.valToPos(data[0][last]!, 'x', true) + 3 * ratio)
  ctx.save()
  ctx.strokeStyle = readColour(colour)
  ctx.fillStyle = readColour(colour)
  ctx.lineWidth = 3 * ratio
  ctx.setLineDash([3 * ratio, 3 * ratio])
  ctx.beginPath()
  ctx.moveTo(from, y + towards * 1.5 * ratio)
  ctx.lineTo(to, y + towards * 1.5 * ratio)
  ctx.stroke()
  ctx.font = `700 ${12 * ratio}px system-ui, sans-serif`
  ctx.textAlign = 'center'
  ctx.textBaseline = towards === 1 ? 'top' : 'bottom'
  ctx.fillText(arrow, (from + to) / 2, y + towards * 5 * ratio)
  ctx.restore()
}
