import type { Random } from './seeded-random.ts'

/** Somebody who asks for a prediction. */
export type Visitor = { readonly userId: string; readonly cardTier: CardTier }

/** What a user is to the business; sent with each request, and never changed. */
export type CardTier = 'standard' | 'gold' | 'platinum'

/** Share of requests by somebody who was never here before. */
const NEW_SHARE = 0.9

/** Those who come back are among the last this many. */
const RECENT = 2000

/**
 * Draws visitors: most are new, some come back. Tens of thousands of user ids in a run, because a
 * gateway that sticks users to a version may judge each of them only once. Nobody's card tier changes.
 */
export function createVisitors(prefix: string, random: Random): () => Visitor {
  const recent: Visitor[] = []
  let count = 0
  return () => {
    if (recent.length > 0 && random() >= NEW_SHARE) {
      return recent[Math.floor(random() * recent.length)]!
    }
    const visitor = { userId: `${prefix}-${count}`, cardTier: drawTier(random) }
    recent[count % RECENT] = visitor
    count += 1
    return visitor
  }
}

function drawTier(random: Random): CardTier {
  const draw = random()
  if (draw < 0.05) return 'platinum'
  return draw < 0.2 ? 'gold' : 'standard'
}
