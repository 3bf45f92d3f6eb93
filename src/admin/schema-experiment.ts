import { Type } from '../config/type.ts'
import { ComparisonSchema } from './schema-comparison.ts'
import { DecisionSchema } from './schema-decision.ts'
import { orNull, time } from './schema-value.ts'

const { id, action, actor, summary, note } = DecisionSchema.properties

/** An experiment that has ended. */
export const PastExperimentSchema = Type.Object(
  {
    id: Type.String({ description: 'The attempt, such as `3.1 vs 3.2-small#1`.' }),
    from: time('When it began.'),
    to: time('When a winner was promoted, or another experiment began.'),
    winner: orNull(Type.String(), 'The variant that was promoted; null = none was.'),
    decision: Type.Object(
      { id, action, actor, summary, note },
      { description: 'The decision that ended it; the log has the whole of it.' },
    ),
    comparisons: Type.Array(ComparisonSchema, {
      description: 'What it had come to, a challenger each.',
    }),
  },
  { title: 'PastExperiment', description: 'An experiment that has ended, with its verdicts.' },
)
