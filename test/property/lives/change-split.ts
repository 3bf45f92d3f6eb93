import { given, type Chance } from './chance.ts'
import { drawKey, drawRules, drawWeights, type ServiceParts } from './draw-service.ts'

/** Other weights, keys, rules or names of the same service: who is sent where changes with the file. */
export function changeSplit(chance: Chance, service: ServiceParts): ServiceParts {
  const { split = {}, variants, mirror, ...rest } = service
  const third = Object.keys(variants)[2] ?? null
  const isFixed = 'weights' in split
  switch (chance.pick('key', 'rules', 'weights', 'name')) {
    case 'key':
      return { ...service, split: given({ ...split, key: drawKey(chance) }) }
    case 'rules':
      return { ...service, split: given({ ...split, rules: drawRules(chance, 0.6) }) }
    case 'weights':
      if (!isFixed) return service
      return { ...service, split: { ...split, weights: drawWeights(chance, third) } }
    case 'name': {
      if (third === null) return service
      const { [third]: renamed, ...others } = variants
      const name = third === 'shadow' ? 'challenger' : 'shadow'
      const isKept = chance.isSo(0.7)
      return {
        ...rest,
        ...(isKept && mirror !== undefined
          ? { mirror: (mirror as readonly object[]).map((each) => ({ ...each, to: name })) }
          : {}),
        variants: isKept ? { ...others, [name]: renamed! } : others,
        split: isFixed ? { ...split, weights: drawWeights(chance, isKept ? name : null) } : split,
      }
    }
  }
}
