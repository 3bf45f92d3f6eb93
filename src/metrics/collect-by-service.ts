import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { ServiceReading } from './service-reading.ts'
import type { ServiceSlice } from './service-slice.ts'

/** Services whose series are collected in one go. */
const SERVICES = 16

/** Families of series that are collected of these before requests get their turn: about a millisecond's work. */
const FAMILIES = 8

/**
 * Collects the families of a registry a few services at a time, so that thousands of them hold no request up. Gives
 * what `collect` makes of each family, by its name and in the order of the registry, of each few services; of none
 * at all, where there is no service.
 */
export async function* collectByService<T>(
  byService: Registry,
  slice: ServiceSlice,
  collect: (family: string) => Promise<T>,
): AsyncGenerator<readonly T[]> {
  const names = byService.getMetricsAsArray().map(({ name }) => name)
  for (const some of slicesOf(slice.services())) {
    const collected: T[] = []
    for (const [index, name] of names.entries()) {
      collected.push(await slice.during(some, () => collect(name)))
      if (index % FAMILIES === FAMILIES - 1 && some.length === SERVICES) await nextTurn()
    }
    yield collected
  }
}

/** At least one: families without series are told of, too. Services are read as their slice comes. */
function* slicesOf(all: Iterable<ServiceReading>): Iterable<readonly ServiceReading[]> {
  let some: ServiceReading[] = []
  for (const service of all) {
    some.push(service)
    if (some.length < SERVICES) continue
    yield some
    some = []
  }
  yield some
}
