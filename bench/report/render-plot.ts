import type { Comparison } from './figures.ts'
import { BLUE, FAINT, INK, line, round, svgOf, text } from './svg.ts'

const WIDTH = 760
const LEFT = 170
const RIGHT = 70
const TOP = 56
const ROW = 28

/**
 * CPU per request as multiples of the floor's, as SVG: for each contender a line from min to max, a box
 * between the quartiles, and the median as a stroke with its number.
 */
export function renderPlot({ ratios }: Pick<Comparison, 'ratios'>): string {
  const rows = Object.entries(ratios).map(([name, of]) => ({ name, ...of.cpuMicrosPerRequest }))
  const height = TOP + ROW * rows.length + 40
  const longest = Math.max(1, ...rows.map(({ max }) => max))
  const step = longest > 5 ? 1 : 0.5
  const end = Math.ceil(longest / step) * step
  const x = (ratio: number) => round(LEFT + (ratio / end) * (WIDTH - LEFT - RIGHT))
  const bottom = TOP + ROW * rows.length
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step)
  const grid = ticks.map(
    (tick) =>
      line(x(tick), TOP - 6, x(tick), bottom, tick === 1 ? INK : FAINT, 1) +
      text(x(tick), bottom + 18, String(tick), 'middle'),
  )
  const marks = rows.map(({ name, median, q1, q3, min, max }, i) => {
    const y = TOP + ROW * i + ROW / 2
    return [
      text(LEFT - 12, y + 4, name, 'end'),
      line(x(min), y, x(max), y, INK, 1),
      `<rect x="${x(q1)}" y="${y - 7}" width="${round(x(q3) - x(q1))}" height="14" fill="${BLUE}"/>`,
      line(x(median), y - 9, x(median), y + 9, INK, 2),
      text(x(max) + 8, y + 4, median.toFixed(2), 'start'),
    ].join('\n')
  })
  const heading = "CPU per request, as a multiple of the floor's"
  return svgOf(WIDTH, height, heading, [...grid, ...marks])
}
