import type { ComponentChildren } from 'preact'
import type { Tone } from './words.ts'

const SIGNS: Readonly<Record<Tone, string>> = {
  good: '✓',
  bad: '✕',
  warn: '!',
  info: '▸',
  plain: '·',
}

/** A short word with the sign and colour of its tone. */
export function Badge({
  tone,
  children,
}: {
  readonly tone: Tone
  readonly children: ComponentChildren
}) {
  return (
    <span class={`badge badge-${tone}`}>
      <span class="badge-sign" aria-hidden="true">
        {SIGNS[tone]}
      </span>
      {children}
    </span>
  )
}
