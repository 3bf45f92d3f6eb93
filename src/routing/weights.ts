import type { Service } from '../domain/service.ts'
import { WHOLE_BP } from '../domain/units.ts'
import { BASELINE } from '../domain/variant.ts'

/**
 * Basis points of every variant of a service, in its order, from those named: the baseline gets the rest.
 * Throws a RangeError where a name is the baseline or no variant, a weight is no whole number from 0 to
 * 10,000, or the sum is above 10,000.
 */
export function completeWeights(
  service: Service,
  namedBp: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const others = service.variants.map(({ name }) => name).filter((name) => name !== BASELINE)
  for (const [name, weightBp] of Object.entries(namedBp)) {
    if (!others.includes(name)) {
      const known = others.length === 0 ? 'only the baseline exists' : `known: ${others.join(', ')}`
      const reason = name === BASELINE ? 'the baseline has the rest' : `no such variant (${known})`
      throw new RangeError(`service ${service.name}: weight of '${name}': ${reason}`)
    }
    if (!Number.isInteger(weightBp) || weightBp < 0 || weightBp > WHOLE_BP) {
      throw new RangeError(
        `service ${service.name}: weight of '${name}' is ${weightBp}: a whole number of basis points from 0 to ${WHOLE_BP} is needed`,
      )
    }
  }
  const named = new Map(Object.entries(namedBp))
  const sumBp = [...named.values()].reduce((sum, weightBp) => sum + weightBp, 0)
  if (sumBp > WHOLE_BP) {
    throw new RangeError(
      `service ${service.name}: weights sum to ${sumBp} basis points: at most ${WHOLE_BP} are left`,
    )
  }
  return Object.fromEntries(
    service.variants.map(({ name }) => [
      name,
      name === BASELINE ? WHOLE_BP - sumBp : (named.get(name) ?? 0),
    ]),
  )
}
