import type { Post } from './gather-posts.ts'
import type { Asked } from './join.ts'
import type { ParsedLine } from './parse.ts'

/** A slice ends with the line by which it has so many characters: a few long lines are as much work as many. */
const SLICE_CHARS = 32 * 1024

/** The lines of posts in slices: at most `most` lines, fewer of long ones. Each line is read when it is taken. */
export function* takeSlices(
  posts: readonly Post[],
  most: number,
): Generator<readonly Asked<ParsedLine>[], undefined> {
  let slice: Asked<ParsedLine>[] = []
  let chars = 0
  for (const { lines, report } of posts) {
    for (const line of lines) {
      slice.push({ line, report })
      chars += line.chars
      if (slice.length < most && chars < SLICE_CHARS) continue
      yield slice
      slice = []
      chars = 0
    }
  }
  if (slice.length > 0) yield slice
}
