import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { Exposition } from './merge-snapshots.ts'
import type { ServiceReading } from './service-reading.ts'
import type { ServiceSlice } from './service-slice.ts'

/** Services whose series are written in one go. */
const SERVICES = 16

/** Families of series that are written of these before requests get their turn: about a millisecond's work. */
const FAMILIES = 8

/**
 * Renders what is collected by service, a few services at a time, so that the scrape of thousands holds no request up;
 * and behind it the `rest`, whole.
 */
export async function renderByService(
  byService: Registry,
  slice: ServiceSlice,
  rest: Registry,
): Promise<Exposition> {
  const names = byService.getMetricsAsArray().map(({ name }) => name)
  const families = names.map((): string[] => [])
  for (const some of slicesOf(slice.services())) {
    for (const [index, name] of names.entries()) {
      const text = await slice.during(some, () => byService.getSingleMetricAsString(name))
      families[index]!.push(families[index]!.length === 0 ? text : withoutHead(text))
      if (index % FAMILIES === FAMILIES - 1 && some.length === SERVICES) await nextTurn()
    }
  }
  const body = families.map((texts) => texts.filter((text) => text !== '').join('\n'))
  return { contentType: rest.contentType, body: [...body, await rest.metrics()].join('\n\n') }
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

/** Help and type stand before the first series of a family alone. */
function withoutHead(text: string): string {
  const lines = text.split('\n', 3)
  return text.slice(lines[0]!.length + lines[1]!.length + 2)
}
