import t from 'tap'
import { dashboardExpressions, describeMetrics, labelsOf, metricsOf, readDashboard } from './kit.ts'

const { panels, schemaVersion, templating } = readDashboard()
const known = new Map((await describeMetrics()).map((metric) => [metric.name, metric]))

t.test('Every panel stands alone in its place, and says what it shows and from where.', (t) => {
  t.ok(schemaVersion >= 39)
  t.same(
    templating.list.map(({ name }) => name),
    ['datasource', 'service'],
  )
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'ids are unique')
  t.equal(new Set(panels.map(({ title }) => title)).size, panels.length, 'titles are unique')
  const taken = new Map<string, string>()
  for (const { type, title, description = '', datasource, targets = [], gridPos } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        t.notOk(taken.has(`${x},${y}`), `${title} lies on ${taken.get(`${x},${y}`)}`)
        taken.set(`${x},${y}`, title)
      }
    }
    t.ok(gridPos.x + gridPos.w <= 24, title)
    if (type === 'row') continue
    t.match(description, /^[A-Z1].+\.$/, title)
    t.equal(datasource?.uid, '${datasource}', title)
    t.ok(targets.length > 0, title)
    t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
    for (const target of targets) t.equal(target.datasource.uid, '${datasource}', title)
  }
  t.end()
})

t.test('Every name in a legend is a label that its expression keeps.', (t) => {
  for (const { title, targets = [] } of panels) {
    for (const { legendFormat, expr } of targets) {
      for (const [, name] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        t.ok(labelsOf(expr).includes(name!), `${title}: ${name}`)
      }
    }
  }
  t.end()
})

t.test('It reads metrics and labels that there are, and leaves no metric out.', (t) => {
  const read = new Set<string>()
  for (const expression of dashboardExpressions()) {
    const labels = metricsOf(expression).flatMap((name) => known.get(name)?.labels ?? [])
    for (const name of metricsOf(expression)) {
      read.add(name)
      t.ok(known.has(name), name)
    }
    for (const label of labelsOf(expression)) t.ok([...labels, 'le'].includes(label), expression)
  }
  t.same(
    [...known.keys()].filter((name) => !read.has(name)),
    [],
  )
  t.end()
})
