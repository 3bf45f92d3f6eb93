import t from 'tap'
import { shareText } from '../../src/config/share-text.ts'

t.test('a text stays what it is, whatever it would mean to an object', (t) => {
  for (const text of ['x-user-id', 'POST', '', '0', '01', '__proto__', 'constructor', 'é\u0000']) {
    t.equal(shareText(text), text)
  }
  t.end()
})
