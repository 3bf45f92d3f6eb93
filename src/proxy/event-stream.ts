/** How an event's data begins that may be a JSON object or array. */
const TREE = /^[ \t\n\r]*[{[]/

/** What is looked for stands in the last events mostly: these are read first, alone. */
const NEAR_BYTES = 4096

/**
 * The JSON objects and arrays that are the data of a stream's events, from the last one back; events with other data are
 * passed over. `isCut`: the bytes are the end of a longer stream, so that the event they begin in is left out.
 *
 * Events are told apart as browsers do (HTML 9.2.6): lines end with CRLF, LF or CR, a blank line ends an event, one that
 * no blank line ends is none, and the data of several lines is joined by LF.
 */
export function* documentsFromEnd(bytes: Buffer, isCut: boolean): Generator<object, undefined> {
  let seen = 0
  if (bytes.length > NEAR_BYTES) {
    for (const document of readBackwards(bytes.subarray(-NEAR_BYTES), true)) {
      seen++
      yield document
    }
  }
  for (const document of readBackwards(bytes, isCut)) {
    if (seen === 0) yield document
    else seen--
  }
}

function* readBackwards(bytes: Buffer, isCut: boolean): Generator<object, undefined> {
  const lines = splitLines(bytes.toString(), isCut)
  let end = lines.lastIndexOf('')
  const first = isCut ? lines.indexOf('') : -1
  while (end > first) {
    const before = end === 0 ? -1 : lines.lastIndexOf('', end - 1)
    const document = parseTree(dataOf(lines, before + 1, end))
    if (document !== null) yield document
    end = before
  }
}

/** What is behind the last end of a line is no line. */
function splitLines(text: string, isCut: boolean): readonly string[] {
  // The LF may be the half of an end of line whose other half was cut off; a byte order mark is no part of the first line.
  const isSkipped = isCut ? text.startsWith('\n') : text.startsWith('\ufeff')
  const lines = (isSkipped ? text.slice(1) : text).split(/\r\n|\n|\r/)
  lines.pop()
  return lines
}

/** The data in the lines from `start` up to `end`; comments and other fields have none. */
function dataOf(lines: readonly string[], start: number, end: number): string {
  let data: string | null = null
  for (let n = start; n < end; n++) {
    const line = lines[n]!
    if (!line.startsWith('data:') && line !== 'data') continue
    const value = line.slice(line[5] === ' ' ? 6 : 5)
    data = data === null ? value : `${data}\n${value}`
  }
  return data ?? ''
}

function parseTree(data: string): object | null {
  if (!TREE.test(data)) return null
  try {
    return JSON.parse(data) as object
  } catch {
    // Such as `[DONE]`, with which streams of OpenAI's API end.
    return null
  }
}
