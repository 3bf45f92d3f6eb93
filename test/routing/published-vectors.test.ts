import { readFileSync } from 'node:fs'
import t from 'tap'
import { toByteString } from '../../src/routing/byte-string.ts'
import { buildCoin, pickByKey, score, unitHash } from '../../src/routing/rendezvous.ts'
import { xxh32 } from '../../src/routing/xxh32.ts'

const page = readFileSync('docs/assignment.md', 'utf8')

t.test('the published seeds are those that a coin is built with', (t) => {
  const rows = tableUnder('### Seeds')
  t.ok(rows.length >= 9)
  for (const [service, variant, salt, seed] of rows) {
    const [contender] = buildCoin(service!, { [variant!]: 1 }, salt!)
    t.equal(hex(contender!.seed), seed, `${service}/${variant}/${salt}`)
  }
  t.end()
})

t.test('the published keys have the published hashes, scores and variants', (t) => {
  const rows = tableUnder('### Assignments')
  t.ok(rows.length >= 20)
  for (const [service, salt, weights, text, hashes, scores, variant] of rows) {
    const pairs = weights!.split(' ').map((pair) => pair.split('='))
    const weightsBp = Object.fromEntries(pairs.map(([name, weight]) => [name!, Number(weight)]))
    const coin = buildCoin(service!, weightsBp, salt!)
    const key = toByteString(text!)
    const title = `${text} at ${weights}, ${salt}`
    t.equal(coin.map(({ seed }) => hex(xxh32(key, seed))).join(' '), hashes, title)
    t.equal(
      coin.map((contender) => score(contender, key).toExponential(6)).join(' '),
      scores,
      title,
    )
    t.equal(pickByKey(coin, key), variant, title)
  }
  t.end()
})

t.test('the published keys have the published units', (t) => {
  const rows = tableUnder('### Units')
  t.ok(rows.length >= 5)
  for (const [text, unit] of rows)
    t.equal(String(unitHash(toByteString(text!))), unit, `unit of ${text}`)
  t.end()
})

/** The cells of the table under a heading of the page, without its head and without code marks. */
function tableUnder(heading: string): string[][] {
  const section = page.split(`\n${heading}\n`)[1]!.split('\n#')[0]!
  const rows = section.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(8, '0')}`
}
