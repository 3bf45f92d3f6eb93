import { readFileSync, readdirSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { createLog } from '../../src/create-log.ts'
import { createDecisionNews } from '../../src/decision-news.ts'
import { AccessLog } from '../../src/proxy/access-log.ts'
import { fakeDecision } from '../admin/fake-deps.ts'

const page = readFileSync('docs/logs.md', 'utf8')

/** The section of the page with this title. */
function section(title: string): string {
  return page.split('\n## ').find((text) => text.startsWith(`${title}\n`))!
}

t.test('docs/logs.md has every field of the access log, with its type.', (t) => {
  const lines: object[] = []
  const log = new AccessLog({ info: (line: object) => lines.push(line) } as never, () => 1)
  log.write(
    { url: '/a?b', method: 'POST' } as IncomingMessage,
    { attempts: 1, upstream: 'http://u', startedAt: 1, endAt: 2 } as never,
    {
      ...{ requestId: 'r', service: 's', variant: 'canary', reason: 'key', status: 200 },
      ...{ outcome: 'ok', code: null, replaced: null, requestBytes: 1, answerBytes: 1 },
    },
  )
  const line = lines[0] as Readonly<Record<string, unknown>>
  const rows = [...section('The access log').matchAll(/^\| `(\w+)` +\| (\w+)( or null)? +\|/gm)]
  t.same(rows.map(([, field]) => field!).toSorted(), Object.keys(line).toSorted())
  for (const [, field, type, orNull] of rows) {
    if (line[field!] === null) t.ok(orNull, field!)
    else if (line[field!] !== undefined) t.equal(typeof line[field!], type, field!)
  }
  t.end()
})

t.test('docs/logs.md has every field of a decision.', (t) => {
  const rows = [...section('Decisions').matchAll(/^\| (`.+?`) +\|/gm)]
  const fields = rows.flatMap(([, names]) => names!.match(/\w+/g)!)
  const lines: string[] = []
  const news = createDecisionNews({
    metrics: { countDecision: () => {} },
    notifications: { wake: () => {} },
    log: createLog({ write: (line) => lines.push(line) }) as never,
  })
  news.tell(fakeDecision())
  const { time, msg, decision, evidence } = JSON.parse(lines[0]!) as Record<string, never>
  t.same(fields.toSorted(), Object.keys(decision!).toSorted())
  t.match(decision, { at: '2027-05-01T11:59:00.000Z', from: { step: 0 }, to: { step: 1 } })
  t.match(evidence, [{ name: 'rmse' }])
  t.equal(msg, fakeDecision().summary)
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.end()
})

t.test('docs/logs.md has every message at its level with its fields, and no other.', (t) => {
  const written = messagesOf(sources())
  const rows = new Map(
    [...section('Everything else').matchAll(/^\| `(.+?)` +\| (\w+) +\| (.*?) *\|/gm)].map(
      ([, message, level, fields]) => [message!, { level: level!, fields: fields! }] as const,
    ),
  )
  t.same([...rows.keys()].toSorted(), [...new Set(written.map((each) => each.message))].toSorted())
  for (const { message, level, fields } of written) {
    const row = rows.get(message)
    t.equal(row?.level, level, message)
    for (const field of fields) t.ok(row?.fields.includes(`\`${field}\``), `${message}: ${field}`)
  }
  t.end()
})

function sources(): string {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  const isLogging = (file: string) => file.endsWith('.ts') && !/^(?:config|demo)\//.test(file)
  return files
    .filter(isLogging)
    .map((file) => readFileSync(join('src', file), 'utf8'))
    .join('\n')
}

/** Calls of a logger with a fixed text: the text, the level, and the fields that are named in the call. */
function messagesOf(source: string) {
  const call = /\blog\.(info|warn|error)\(\s*(?:(\{[^}]*\}|\w+),\s*)?'([^']+)',?\s*\)/g
  const all = [...source.matchAll(call)].map(([, level, object = '', message]) => {
    const inside = object.startsWith('{') ? object.slice(1, -1).split(',') : []
    const names = inside.map((part) => part.split(':')[0]!.trim())
    return {
      level: level!,
      message: message!,
      fields: names.filter((name) => /^\w+$/.test(name)),
    }
  })
  // Its text is told apart by the tests of the access log.
  return all.filter(({ message }) => message !== 'request')
}
