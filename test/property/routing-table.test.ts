import { fc } from '../support/fast-check.ts'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { Service } from '../../src/domain/service.ts'
import { matchService, type RouteMatch } from '../../src/routing/match.ts'
import { buildTable } from '../../src/routing/table.ts'
import { buildService } from '../routing/build-service.ts'

const segmentsArbitrary = fc.array(fc.constantFrom('a', 'b', 'ab', ''), { maxLength: 4 })
const pathArbitrary = segmentsArbitrary.map((segments) => `/${segments.join('/')}`)
const hostArbitrary = fc.constantFrom('one.example', 'two.example', 'three.example')
const methodArbitrary = fc.constantFrom('GET', 'POST', 'PUT')

const servicesArbitrary = fc
  .array(
    fc.record({
      path: fc.oneof(
        pathArbitrary,
        segmentsArbitrary.map((segments) => `/${[...segments, '*'].join('/')}`),
      ),
      host: fc.option(hostArbitrary),
      methods: fc.option(fc.uniqueArray(methodArbitrary, { minLength: 1 })),
    }),
    { maxLength: 20 },
  )
  .map((matches) => matches.map((match, index) => buildService({ name: `s${index}`, match })))

t.test('the table finds what a search through all services finds', (t) => {
  const kinds = { service: 0, method: 0, none: 0 }
  fc.assert(
    fc.property(
      servicesArbitrary,
      fc.array(fc.tuple(methodArbitrary, hostArbitrary, pathArbitrary), { minLength: 10 }),
      (services, requests) => {
        const table = buildTable(services)
        return requests.every(([method, host, path]) => {
          const found = matchService(table, method, host, path)
          kinds[found.kind]++
          return isDeepStrictEqual(found, searchAll(services, method, host, path))
        })
      },
    ),
    { seed: 20_260_101, numRuns: 150 },
  )
  t.ok(Math.min(...Object.values(kinds)) > 50, JSON.stringify(kinds))
  t.end()
})

t.test('a thousand services are told apart', (t) => {
  const services = Array.from({ length: 1000 }, (_, index) =>
    buildService({ name: `s${index}`, match: { path: `/v2/models/m${index}/*` } }),
  )
  const table = buildTable(services)
  const wrong = services.filter((service, index) => {
    const found = matchService(table, 'POST', 'any.example', `/v2/models/m${index}/infer`)
    return found.kind !== 'service' || found.service !== service
  })
  t.strictSame(wrong, [])
  t.end()
})

/** The rule of matching, word by word. */
function searchAll(
  services: readonly Service[],
  method: string,
  host: string,
  path: string,
): RouteMatch<Service> {
  const onPath = services.filter(({ match }) =>
    match.path.endsWith('/*') ? path.startsWith(match.path.slice(0, -1)) : path === match.path,
  )
  const onHost = onPath.filter(({ match }) => match.host === host)
  const candidates = onHost.length > 0 ? onHost : onPath.filter(({ match }) => match.host === null)
  if (candidates.length === 0) return { kind: 'none' }
  // A literal path counts half a character more than the prefix of the same length.
  const literal = ({ match }: Service) =>
    match.path.endsWith('/*') ? match.path.length - 1 : match.path.length + 0.5
  const longest = Math.max(...candidates.map(literal))
  const best = candidates.filter((service) => literal(service) === longest)
  const service = best.find(({ match }) => match.methods === null || match.methods.includes(method))
  if (service !== undefined) return { kind: 'service', service }
  return { kind: 'method', allow: [...new Set(best.flatMap(({ match }) => match.methods!))] }
}
