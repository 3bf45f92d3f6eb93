import type { SeenReplicas } from './evaluator/replicas.ts'

/** One sentence on the processes that share the store with this one; null = another one of them decides. */
export function describeReplicas(seen: SeenReplicas | null): string {
  if (seen === null) return 'what is served here is evidence for the process that decides'
  const { others, differing } = seen
  if (others === 0) return 'no other process on this store'
  const count = others === 1 ? 'one other process' : `${others} other processes`
  if (differing.length === 0) return `${count} on this store: their requests are evidence too`
  return (
    `${count} on this store: their requests are evidence too, but not where the configuration is another ` +
    `one (${differing.join(', ')})`
  )
}
