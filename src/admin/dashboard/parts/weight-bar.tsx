import { colourOf } from '../charts/chart-colours.ts'

/** How the requests are shared out, as one bar; whoever uses it writes the numbers beside it. */
export function WeightBar({ weights }: { readonly weights: Readonly<Record<string, number>> }) {
  const variants = Object.keys(weights)
  return (
    <span class="weight-bar" aria-hidden="true">
      {variants.map((name) => (
        <span
          key={name}
          class={`weight-part fill-${colourOf(name, variants)}`}
          style={{ width: `${weights[name]}%` }}
        />
      ))}
    </span>
  )
}
