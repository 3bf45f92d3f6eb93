import t from 'tap'
import { CohortShelf } from '../../src/metrics/cohort-shelf.ts'

function shelfOf(...numbers: number[]) {
  const shelf = new CohortShelf<{ cohort: { number: number } }>()
  for (const number of numbers) shelf.add({ cohort: { number } })
  return shelf
}

const numbersOf = (items: Iterable<{ cohort: { number: number } }>) =>
  [...items].map(({ cohort }) => cohort.number)

t.test('what comes after a number is found, whether or not the number is there', (t) => {
  const shelf = shelfOf(3, 5, 8, 13)
  const after = (number: number) => numbersOf(shelf.after(number))
  t.same(after(-Infinity), [3, 5, 8, 13])
  t.same(after(2), [3, 5, 8, 13])
  t.same(after(3), [5, 8, 13])
  t.same(after(7), [8, 13])
  t.same(after(13), [])
  t.same(numbersOf(shelfOf().after(0)), [])
  const many = Array.from({ length: 40 }, (_, n) => 2 * n)
  for (const n of [-1, 3, 70, 72, 78]) {
    t.same(
      numbersOf(shelfOf(...many).after(n)),
      many.filter((each) => each > n),
    )
  }
  t.end()
})

t.test('what is deleted is gone from everywhere, the first, the last or one between', (t) => {
  const shelf = shelfOf(3, 5, 8, 13, 21)
  for (const number of [3, 8, 21, 21, 4]) shelf.delete(number)
  t.same(numbersOf(shelf.values()), [5, 13])
  t.same(numbersOf(shelf.after(0)), [5, 13])
  t.equal(shelf.get(8), undefined)
  t.equal(shelf.get(13)?.cohort.number, 13)
  shelf.add({ cohort: { number: 34 } })
  t.same(numbersOf(shelf.after(5)), [13, 34])
  t.end()
})

t.test('all of them can be deleted while they are gone through', (t) => {
  const shelf = shelfOf(1, 2, 3)
  const seen: number[] = []
  for (const { cohort } of shelf.values()) {
    seen.push(cohort.number)
    shelf.delete(cohort.number)
  }
  t.same(seen, [1, 2, 3])
  t.same(numbersOf(shelf.after(0)), [])
  t.end()
})
