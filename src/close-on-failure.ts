/** Notes how something that has been opened is closed again. */
export type Opened = (close: () => Promise<unknown>) => void

/**
 * Opens a whole out of parts that `open` names as it goes: where it fails, what was opened until then is closed, the last
 * first, and it rejects with that failure. A part that stayed open would keep a process alive that does nothing.
 */
export async function closeOnFailure<T>(open: (opened: Opened) => Promise<T>): Promise<T> {
  const closes: Parameters<Opened>[0][] = []
  try {
    return await open((close) => closes.push(close))
  } catch (error) {
    for (const close of closes.toReversed()) await close().catch(() => {})
    throw error
  }
}
