import t from 'tap'
import { errorEntry, ERRORS, isVariantFault, type ErrorCode } from '../../src/domain/errors.ts'

const codes = Object.keys(ERRORS) as ErrorCode[]

t.test('every error has a status, a title, and a sentence that ends', async (t) => {
  for (const code of codes) {
    const { status, title, detail } = errorEntry(code)
    t.match(code, /^SERIN_[A-Z_]+$/)
    t.ok(status >= 400 && status <= 599, code)
    t.match(title, /^[A-Z].*[^.]$/, code)
    t.match(detail, /^[A-Z].*\.$/, code)
  }
})

t.test('error types of Proxy-Status are tokens', async (t) => {
  for (const code of codes) t.match(errorEntry(code).proxyStatus ?? 'none', /^[a-z_]+$/, code)
})

t.test(
  "failures and timeouts of the upstream are the variant's fault, others are not",
  async (t) => {
    t.ok(isVariantFault('SERIN_UPSTREAM_REFUSED'))
    t.ok(isVariantFault('SERIN_UPSTREAM_FIRST_BYTE_TIMEOUT'))
    t.notOk(isVariantFault('SERIN_INTERNAL'))
    t.notOk(isVariantFault('SERIN_CLIENT_CLOSED'))
    t.notOk(isVariantFault('SERIN_NO_ROUTE'))
  },
)
