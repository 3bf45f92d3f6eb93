/**
 * Says of a full disk that it is one: of a page that cannot be written the system may say nothing but that there was an
 * error, and LMDB where in its file it was. What they said is the `cause`. An error of something else comes back as it is.
 * `hasRoom`: whether a probe would find room.
 */
export function nameFullDisk(error: unknown, path: string, hasRoom: () => boolean): unknown {
  if (!isOfDisk(error) || (error.code !== NO_SPACE && hasRoom())) return error
  const { code } = error
  return Object.assign(new Error(`the disk of ${path} is full`, { cause: error }), { code })
}

/** ENOSPC of all systems that LMDB runs on. */
const NO_SPACE = 28

/** Whether the system refused it, by a number of its own, and not LMDB or the change itself. */
export function isOfDisk(error: unknown): error is Error & { readonly code: number } {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code > 0
  )
}
