import t from 'tap'
import { findNearest, suggest } from '../../src/domain/nearest.ts'

t.test('the nearest word is the one with the fewest edits, if there are few', (t) => {
  const words = ['rollback', 'pause', 'warn', 'wait']
  t.equal(findNearest('rolback', words), 'rollback')
  t.equal(findNearest('ROLLBACK', words), 'rollback')
  t.equal(findNearest('puase', words), 'pause', 'swapped neighbours count once')
  t.equal(findNearest('warm', words), 'warn')
  t.equal(findNearest('promote', words), null)
  t.equal(findNearest('x', []), null)
  t.equal(findNearest('', ['ip']), null)
  t.equal(suggest('wait', words), ': did you mean "wait"?')
  t.equal(suggest('colour', words), '')
  t.end()
})

t.test('a name of a service is found by two letters, and others are left alone', (t) => {
  const names = ['fraud', 'price', 'churn', 'search-rank', 'credit-risk']
  const found = (words: readonly string[]) => words.map((word) => findNearest(word, names))
  t.same(found(['frod', 'fruad', 'FRD', 'frauds', 'farud', 'prcie', 'chrun']), [
    'fraud',
    'fraud',
    'fraud',
    'fraud',
    'fraud',
    'price',
    'churn',
  ])
  t.same(found(['credti-rsik', 'creditrisc', 'serch-rnak', 'search-bank']), [
    'credit-risk',
    'credit-risk',
    'search-rank',
    'search-rank',
  ])
  t.same(
    found(['frog', 'broad', 'french', 'prior', 'chart', 'fd', 'risk', 'search']),
    Array.from({ length: 8 }, () => null),
  )
  t.end()
})

t.test('the nearest name is close enough to have been meant', (t) => {
  const names = ['label', 'value', 'values', 'at']
  t.equal(findNearest('labels', names), 'label')
  t.equal(findNearest('LABEL', names), 'label')
  t.equal(findNearest('vale', names), 'value')
  t.equal(findNearest('lable', names), 'label')
  t.equal(findNearest('ta', names), 'at')
  t.equal(findNearest('cable', names), null)
  t.equal(findNearest('x', names), null)
  t.end()
})
