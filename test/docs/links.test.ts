import t from 'tap'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { MARKDOWN_PAGES, proseOf } from './markdown-pages.ts'

/** The anchors of a page: those of its headings, as GitHub makes them, and those that it sets itself. */
function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading] of proseOf(page).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const plain = heading!.replaceAll(/`|\[([^\]]*)\]\([^)]*\)/g, '$1')
    const slug = plain
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-')
    let unique = slug
    for (let n = 1; anchors.has(unique); n++) unique = `${slug}-${n}`
    anchors.add(unique)
  }
  for (const [, id] of readFileSync(page, 'utf8').matchAll(/<a id="([^"]+)">/g)) anchors.add(id!)
  return anchors
}

t.test('Every anchor that a link names exists on its page.', (t) => {
  let count = 0
  for (const page of MARKDOWN_PAGES) {
    for (const [, path, anchor] of proseOf(page).matchAll(
      /\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g,
    )) {
      const target = path === '' ? page : join(dirname(page), path!)
      if (!target.endsWith('.md')) continue
      count++
      t.ok(anchorsOf(target).has(anchor!), `${page} → ${target}#${anchor}`)
    }
  }
  t.ok(count > 20, `${count} links with an anchor`)
  t.end()
})

t.test('Every page of docs/ is in its index.', (t) => {
  const index = readFileSync('docs/README.md', 'utf8')
  const listed = new Set(
    [...index.matchAll(/\]\(([^)#:]+)[^)]*\)/g)].map(([, path]) => {
      const target = join('docs', path!)
      const isFolder = existsSync(target) && statSync(target).isDirectory()
      return isFolder ? target.replace(/\/$/, '') : target
    }),
  )
  for (const page of MARKDOWN_PAGES.filter((each) => each.startsWith('docs/'))) {
    if (page === 'docs/README.md') continue
    t.ok(listed.has(page) || listed.has(dirname(page)), page)
  }
  t.end()
})

t.test('Every file that a document names in code marks by its path exists.', (t) => {
  const path = /`((?:config|docs|src|test|bench)\/[\w./-]+\.\w+)`/g
  for (const page of MARKDOWN_PAGES.filter((each) => each !== 'CHANGELOG.md')) {
    for (const [, file] of proseOf(page).matchAll(path)) t.ok(existsSync(file!), `${page}: ${file}`)
  }
  t.end()
})
