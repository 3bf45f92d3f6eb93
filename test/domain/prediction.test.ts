import t from 'tap'
import { eventValue } from '../../src/domain/prediction.ts'

t.test("an event's number is its value, or one of its values by name", (t) => {
  const event = { value: 3, values: { amount: 0, value: 9 } }
  t.equal(eventValue(event, null), 3)
  t.equal(eventValue(event, 'amount'), 0)
  t.equal(eventValue(event, 'toString'), null, 'names of objects are no numbers')
  t.equal(eventValue({ value: null, values: null }, 'amount'), null)
  t.equal(eventValue({ value: null, values: null }, null), null)
  t.end()
})
