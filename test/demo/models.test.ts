import t from 'tap'
import { FEATURES, loadCars, splitCars, weighInKilograms } from '../../src/demo/cars.ts'
import { measureRmse, trainModel } from '../../src/demo/train-model.ts'

const DATA = 'node_modules/vega-datasets/data/cars.json'

t.test('the complete cars of the data set are read with every feature as a number', async (t) => {
  const cars = await loadCars(DATA)
  t.equal(cars.length, 392)
  t.same(cars[0], {
    name: 'chevrolet chevelle malibu',
    features: [3504, 130, 307, 12, 8, 0, 1, 0],
    milesPerGallon: 18,
  })
  t.ok(cars.every(({ features }) => features.length === FEATURES.length))
  t.ok(cars.every(({ features }) => features.every(Number.isFinite)))
})

t.test('a file that is not the data set is refused with its name', async (t) => {
  const folder = t.testdir({
    'object.json': '{}',
    'few.json': '[{"Name":"one"}]',
    'text.json': 'no',
  })
  await t.rejects(loadCars(`${folder}/object.json`), { message: /object\.json: not an array/ })
  await t.rejects(loadCars(`${folder}/few.json`), { message: /only 0 complete cars/ })
  await t.rejects(loadCars(`${folder}/text.json`), SyntaxError)
  await t.rejects(loadCars(`${folder}/absent.json`), { code: 'ENOENT' })
})

t.test('the halves of the split share no car and lose none', async (t) => {
  const cars = await loadCars(DATA)
  const { training, heldOut } = splitCars(cars)
  t.equal(training.length, 196)
  t.equal(heldOut.length, 196)
  t.equal(new Set([...training, ...heldOut]).size, cars.length)
})

t.test('weighing in kilograms changes the weight and nothing else', (t) => {
  t.same(weighInKilograms([1000, 130, 307]), [453.59237, 130, 307])
  t.end()
})

t.test('training is deterministic: the same seed gives the same predictions', async (t) => {
  const { training, heldOut } = splitCars(await loadCars(DATA))
  const few = training.slice(0, 60)
  const predict = (seed: number): readonly number[] => {
    const model = trainModel('forest', few, seed)
    return heldOut.map(({ features }) => model.predict(features))
  }
  const first = predict(1)
  t.same(predict(1), first)
  t.not(JSON.stringify(predict(2)), JSON.stringify(first))
})

t.test(
  'on held-out cars the forest beats least squares, and skew makes it worse than either',
  async (t) => {
    const { training, heldOut } = splitCars(await loadCars(DATA))
    const linear = measureRmse(trainModel('linear', training, 1), heldOut)
    const model = trainModel('forest', training, 1)
    const forest = measureRmse(model, heldOut)
    const skewed = measureRmse(model, heldOut, weighInKilograms)
    t.ok(forest < 0.9 * linear, `forest ${forest}, least squares ${linear}`)
    t.ok(skewed > 1.05 * linear, `skewed ${skewed}, least squares ${linear}`)
  },
)
