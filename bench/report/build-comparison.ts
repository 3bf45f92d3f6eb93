import { FLOOR } from '../contenders.ts'
import { spread } from '../spread.ts'
import { FIGURES, type Comparison, type Figures } from './figures.ts'

/** Medians by contender and ratios to the floor; the runs stand in the order of the rounds. */
export function buildComparison(runs: ReadonlyMap<string, readonly Figures[]>): Comparison {
  const floor = runs.get(FLOOR)!
  return {
    contenders: Object.fromEntries(
      [...runs].map(([name, of]) => {
        const spreads = byFigure((figure) => spread(of.map((run) => run[figure])))
        return [name, { ...byFigure((figure) => spreads[figure].median), spreads, runs: of }]
      }),
    ),
    ratios: Object.fromEntries(
      [...runs]
        .filter(([name]) => name !== FLOOR)
        .map(([name, of]) => [
          name,
          byFigure((figure) => spread(of.map((run, i) => run[figure] / floor[i]![figure]))),
        ]),
    ),
  }
}

function byFigure<T>(of: (figure: keyof Figures) => T): Record<keyof Figures, T> {
  return Object.fromEntries(FIGURES.map((figure) => [figure, of(figure)])) as Record<
    keyof Figures,
    T
  >
}
