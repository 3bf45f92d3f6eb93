/** One number with its name, and what goes with it. */
export function Figure({
  label,
  value,
  note,
}: {
  readonly label: string
  readonly value: string
  readonly note: string
}) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {value} <span class="muted">{note}</span>
      </dd>
    </div>
  )
}
