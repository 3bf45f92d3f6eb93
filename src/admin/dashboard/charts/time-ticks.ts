/** Writes times (seconds since the epoch) along an axis: as fine as their distance asks for. */
export function formatTicks(times: readonly number[]): string[] {
  const gap = (times[1] ?? 0) - (times[0] ?? 0)
  return times.map((time) => {
    const date = new Date(time * 1000)
    if (gap >= 86_400) return date.toLocaleDateString(undefined, { month: 'short', day: 'numeric' })
    return gap >= 60 ? formatMinute(date) : formatClock(date)
  })
}

/** `14:05:09`, by the clock of the one who looks. */
export function formatClock(date: Date): string {
  return `${formatMinute(date)}:${pad(date.getSeconds())}`
}

function formatMinute(date: Date): string {
  return `${pad(date.getHours())}:${pad(date.getMinutes())}`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
