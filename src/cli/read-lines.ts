/**
 * The lines of a text that comes in chunks (UTF-8), without their ends; a last one without an end too. Of a line that is
 * longer than `most` characters as many are read at least, and not all where it comes in many chunks: a file
 * that is one line would have to be held whole.
 */
export async function* readLines(
  chunks: AsyncIterable<string | Uint8Array>,
  most = Infinity,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const text = typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    if (rest.length > most && !text.includes('\n')) continue
    rest += text
    const lines = rest.split(/\r?\n/)
    rest = lines.pop()!
    yield* lines
  }
  if (rest !== '') yield rest
}
