import type { Registry } from 'prom-client'
import { collectByService } from './collect-by-service.ts'
import type { Exposition } from './merge-snapshots.ts'
import type { ServiceSlice } from './service-slice.ts'

/**
 * Renders what is collected by service, a few services at a time, so that the scrape of thousands holds no request up;
 * and behind it the `rest`, whole.
 */
export async function renderByService(
  byService: Registry,
  slice: ServiceSlice,
  rest: Registry,
): Promise<Exposition> {
  const families = byService.getMetricsAsArray().map((): string[] => [])
  const render = (name: string) => byService.getSingleMetricAsString(name)
  for await (const texts of collectByService(byService, slice, render)) {
    for (const [index, text] of texts.entries()) {
      families[index]!.push(families[index]!.length === 0 ? text : withoutHead(text))
    }
  }
  const body = families.map((texts) => texts.filter((text) => text !== '').join('\n'))
  return { contentType: rest.contentType, body: [...body, await rest.metrics()].join('\n\n') }
}

/** Help and type stand before the first series of a family alone. */
function withoutHead(text: string): string {
  const lines = text.split('\n', 3)
  return text.slice(lines[0]!.length + lines[1]!.length + 2)
}
