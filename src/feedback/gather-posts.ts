import type { ParsedLines } from './parse.ts'
import type { ReportDraft } from './report.ts'

/** What one caller has sent, and what becomes of it. */
export type Post = { readonly lines: ParsedLines; readonly report: ReportDraft }

type Group = { readonly posts: Post[]; readonly done: Promise<void> }

/**
 * Joins posts by `join`, which has its turns: when one comes it takes what there is. Posts of one line that wait
 * for the same turn go together, at most `most` of them, since what the store takes costs as much for one as for all. A
 * longer one goes alone. Resolves when the post's turn is over; rejects as `join` does, with all that went together.
 */
export function gatherPosts(
  join: (take: () => readonly Post[]) => Promise<void>,
  most: number,
): (post: Post) => Promise<void> {
  let waiting: Group | null = null
  const begin = (): Group => {
    const posts: Post[] = []
    const take = () => {
      if (waiting?.posts === posts) waiting = null
      return posts
    }
    return { posts, done: join(take) }
  }
  return (post) => {
    if (post.lines.size !== 1) {
      // Whoever comes later goes later.
      waiting = null
      return join(() => [post])
    }
    if (waiting === null || waiting.posts.length >= most) waiting = begin()
    waiting.posts.push(post)
    return waiting.done
  }
}
