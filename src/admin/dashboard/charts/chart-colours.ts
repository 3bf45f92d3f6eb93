/** Names of the colours that charts are drawn in; the style sheet has them, for light and dark. */
export type ChartColour =
  | 'baseline'
  | 'canary'
  | 'harm'
  | 'proof'
  | 'line'
  | 'muted'
  | 'panel'
  | 'other-1'
  | 'other-2'
  | 'other-3'

/** The colour as it is now. */
export function readColour(name: ChartColour): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

/** The colour as it is now, so much of it (0 to 1). */
export function readFaded(name: ChartColour, share: number): string {
  return `color-mix(in srgb, ${readColour(name)} ${share * 100}%, transparent)`
}

/** The colour of a variant by its place among those that are neither baseline nor canary. */
export function colourOf(variant: string, variants: readonly string[]): ChartColour {
  if (variant === 'baseline' || variant === 'canary') return variant
  const others = variants.filter((name) => name !== 'baseline' && name !== 'canary')
  return (['other-1', 'other-2', 'other-3'] as const)[others.indexOf(variant) % 3] ?? 'muted'
}
