import { NOW } from '../admin/fake-deps.ts'

/** A terminal as stderr that keeps each drawing of a progress line. */
export function createTerminal(columns = 80) {
  const drawn: string[] = []
  const write = (text: string) =>
    void drawn.push(...text.split('\r').map((part) => part.replaceAll('\u001B[K', '')))
  return { output: { isTTY: true, columns, write }, drawn, last: () => drawn.at(-1) }
}

/** A clock on which every look takes this long. */
export function createSlowClock(stepMs: number) {
  let elapsedMs = 0
  return { now: () => NOW, monotonic: () => (elapsedMs += stepMs) }
}
