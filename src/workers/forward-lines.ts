import type { Readable } from 'node:stream'

/** Where text goes. */
export type Output = { readonly write: (text: string) => unknown }

/**
 * Writes what comes from a stream to `to`, whole lines at a time: those of several processes then never
 * mingle. A last line without an end gets one.
 */
export function forwardLines(from: Readable, to: Output): void {
  let rest = ''
  from.setEncoding('utf8')
  from.on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1
    if (end === 0) {
      rest += text
      return
    }
    to.write(rest + text.slice(0, end))
    rest = text.slice(end)
  })
  from.once('end', () => {
    if (rest !== '') to.write(`${rest}\n`)
  })
}
