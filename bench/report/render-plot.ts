import type { Comparison } from './figures.ts'

const WIDTH = 760
const LEFT = 170
const RIGHT = 70
const TOP = 56
const ROW = 28
const INK = '#24292f'
const FAINT = '#d0d7de'
const BOX = '#54aeff'

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
      `<rect x="${x(q1)}" y="${y - 7}" width="${round(x(q3) - x(q1))}" height="14" fill="${BOX}"/>`,
      line(x(median), y - 9, x(median), y + 9, INK, 2),
      text(x(max) + 8, y + 4, median.toFixed(2), 'start'),
    ].join('\n')
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13" fill="${INK}">
<rect width="100%" height="100%" fill="white"/>
<text x="16" y="26" font-size="15">CPU per request, as a multiple of the floor's</text>
${grid.join('\n')}
${marks.join('\n')}
</svg>
`
}

function line(x1: number, y1: number, x2: number, y2: number, color: string, width: number) {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}" stroke-width="${width}"/>`
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end') {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
