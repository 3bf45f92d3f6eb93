import type uPlot from 'uplot'
import { readColour, readFaded, type ChartColour } from './chart-colours.ts'

/** A line that something is held against. */
export type Rule = {
  readonly at: number
  readonly label: string
  readonly colour: ChartColour
  /** Shades what lies on that side of it. */
  readonly shade?: 'above' | 'below'
  readonly isSolid?: boolean
  /** Where its words stand; default: above. */
  readonly words?: 'above' | 'below'
}

/** Draws horizontal lines, and the shade on one side of them, behind the data. */
export function drawRules(u: uPlot, rules: readonly Rule[]): void {
  const { ctx, bbox } = u
  const ratio = devicePixelRatio
  inBox(u, () => {
    for (const { at, colour, shade, isSolid } of rules) {
      const y = Math.round(u.valToPos(at, 'y', true))
      if (shade !== undefined) {
        ctx.fillStyle = readFaded(colour, 0.07)
        const [top, bottom] = shade === 'above' ? [bbox.top, y] : [y, bbox.top + bbox.height]
        ctx.fillRect(bbox.left, top, bbox.width, bottom - top)
      }
      ctx.strokeStyle = readColour(colour)
      ctx.lineWidth = ratio
      ctx.setLineDash(isSolid === true ? [] : [5 * ratio, 4 * ratio])
      ctx.beginPath()
      ctx.moveTo(bbox.left, y)
      ctx.lineTo(bbox.left + bbox.width, y)
      ctx.stroke()
    }
  })
}

/** Writes what the lines are, before the data, with a rim in the colour of the ground. */
export function drawRuleWords(u: uPlot, rules: readonly Rule[]): void {
  const { ctx, bbox } = u
  const ratio = devicePixelRatio
  inBox(u, () => {
    ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`
    ctx.textAlign = 'left'
    ctx.lineJoin = 'round'
    ctx.lineWidth = 3 * ratio
    ctx.strokeStyle = readColour('panel')
    for (const { at, label, colour, words } of rules) {
      const y = Math.round(u.valToPos(at, 'y', true))
      // Where there is no room above the line, they stand below it.
      const fits = words !== 'below' && y - bbox.top > 14 * ratio
      const [x, base] = [bbox.left + 6 * ratio, fits ? y - 2 * ratio : y + 3 * ratio]
      ctx.textBaseline = fits ? 'bottom' : 'top'
      ctx.fillStyle = readColour(colour)
      ctx.strokeText(label, x, base)
      ctx.fillText(label, x, base)
    }
  })
}

function inBox({ ctx, bbox }: uPlot, draw: () => void): void {
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  draw()
  ctx.restore()
}
