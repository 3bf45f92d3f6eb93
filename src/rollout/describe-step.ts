import type { StepSpec } from '../domain/rollout-spec.ts'
import { bpToPercent } from '../domain/units.ts'
import { formatPercent } from './format.ts'

/** A step in a sentence, after "to" or "at": `5 %`, `a mirror of 100 %`, `a pause`. */
export function describeStep(step: StepSpec): string {
  switch (step.kind) {
    case 'weight':
      return `${bpToPercent(step.weightBp)} %`
    case 'mirror':
      return `a mirror of ${formatPercent(step.share)}`
    case 'pause':
      return 'a pause'
  }
}
