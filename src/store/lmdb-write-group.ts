/** Changes of one group, at most: together they hold the event loop for about a millisecond. */
const MOST = 64

/** Takes small changes together: of many, transactions would be most of the work. */
export type WriteGroup = {
  /** Runs the change, whole or not at all, with those that are asked for in the same moment. */
  readonly add: <T>(change: () => T) => Promise<T>
  /** Begins what has been added so far. */
  readonly flush: () => void
  /** The same; resolves when all of it is done, whatever came of it. */
  readonly settle: () => Promise<unknown>
}

type Member = {
  readonly change: () => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * A group for changes of which each comes with many others: it waits as long as every turn of the event loop
 * brings another one. `transact` runs what it is given in one transaction, in the order of the calls. Where a
 * change throws, the group's transaction is undone and each change has one of its own: so a change may run twice.
 */
export function createWriteGroup(transact: <T>(run: () => T) => Promise<T>): WriteGroup {
  let members: Member[] = []
  let atLastTurn = 0
  let isWatched = false
  const taken = new Set<Promise<void>>()

  const flush = () => {
    if (members.length === 0) return
    const done = take(members, transact).finally(() => taken.delete(done))
    taken.add(done)
    members = []
  }
  const watch = () => {
    isWatched = members.length > atLastTurn
    atLastTurn = members.length
    if (isWatched) setImmediate(watch)
    else flush()
  }

  return {
    flush,
    settle: () => {
      flush()
      return Promise.all(taken)
    },
    add: (change) =>
      new Promise((resolve, reject) => {
        members.push({ change, resolve: resolve as Member['resolve'], reject })
        if (members.length >= MOST) flush()
        if (isWatched) return
        isWatched = true
        atLastTurn = members.length
        setImmediate(watch)
      }),
  }
}

async function take(
  members: readonly Member[],
  transact: <T>(run: () => T) => Promise<T>,
): Promise<void> {
  let hasThrown = false
  const all = () => {
    try {
      return members.map(({ change }) => change())
    } catch (error) {
      hasThrown = true
      throw error
    }
  }
  try {
    const results = await transact(all)
    for (const [index, { resolve }] of members.entries()) resolve(results[index])
  } catch (error) {
    if (members.length > 1 && hasThrown) {
      await Promise.all(members.map((member) => take([member], transact)))
    } else for (const { reject } of members) reject(error)
  }
}
