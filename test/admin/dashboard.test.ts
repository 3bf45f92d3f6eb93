import t, { type Test } from 'tap'
import { createAdminServer } from '../../src/admin/admin-plugin.ts'
import { createFakeDeps } from './fake-deps.ts'

const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

/** A port that others can reach, with a token. */
function open(t: Test) {
  const token = {
    name: 'ops',
    token: 'ops-token-0123456789',
    scopes: ['read'],
    services: null,
    expiresAt: null,
  } as const
  const app = createAdminServer(createFakeDeps(), {
    listen: { host: '0.0.0.0', port: 0 },
    tokens: [token],
  })
  t.teardown(() => app.close())
  return app
}

t.test('A browser is given the dashboard without a token, under a strict policy.', async (t) => {
  const response = await open(t).inject({ url: '/', headers: HTML })
  t.equal(response.statusCode, 200)
  t.match(response.headers, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
    vary: 'accept',
  })
  t.notMatch(response.body, /<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=/, 'nothing inline')
  t.notMatch(response.body, /https?:/, 'nothing from elsewhere')
  t.notMatch(response.body, 'credit-risk', 'it holds nothing of this gateway')
})

t.test('What the page loads is there, and kept for as long as its name stands.', async (t) => {
  const app = open(t)
  const { body } = await app.inject({ url: '/', headers: HTML })
  const files = [...body.matchAll(/(?:src|href)="(assets\/.+?)"/g)].map(([, file]) => file!)
  t.equal(files.length, 3)
  const types: Record<string, RegExp> = {
    js: /^(?:text|application)\/javascript/,
    css: /^text\/css/,
    svg: /^image\/svg\+xml/,
  }
  for (const file of files) {
    t.match(file, /-[A-Z0-9]{8}\./, 'its name holds a hash')
    const response = await app.inject(`/${file}`)
    t.equal(response.statusCode, 200, file)
    t.match(response.headers['content-type'], types[file.split('.').at(-1)!]!)
    t.match(response.headers, {
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    })
  }
})

t.test('Whoever does not ask for HTML is told the routes, as before.', async (t) => {
  for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }]) {
    const response = await open(t).inject({ url: '/', headers })
    t.match(response.headers['content-type'], /^text\/plain/)
    t.match(response.body, 'GET  /api/v1/events')
  }
})

t.test('Beside the page nothing of the package is served.', async (t) => {
  const app = open(t)
  for (const path of [
    '/assets/',
    '/assets/index.html',
    '/assets/../index.html',
    '/assets/..%2findex.html',
    '/assets/%2e%2e/%2e%2e/present.js',
    '/index.html',
  ]) {
    const { statusCode } = await app.inject(path)
    t.ok([400, 403, 404].includes(statusCode), `${path}: ${statusCode}`)
  }
})
