/** Colours of the plots. */
export const INK = '#24292f'
export const FAINT = '#d0d7de'
export const BLUE = '#54aeff'

/** A drawing of so many pixels on white, with a heading. */
export function svgOf(
  width: number,
  height: number,
  heading: string,
  parts: readonly string[],
): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="${INK}">
<rect width="100%" height="100%" fill="white"/>
<text x="16" y="26" font-size="15">${escape(heading)}</text>
${parts.join('\n')}
</svg>
`
}

/** A straight line. */
export function line(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  color: string,
  width: number,
): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}" stroke-width="${width}"/>`
}

/** Words at a point. */
export function text(
  x: number,
  y: number,
  words: string,
  anchor: 'start' | 'middle' | 'end',
): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escape(words)}</text>`
}

/** Pixels with one decimal. */
export function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
