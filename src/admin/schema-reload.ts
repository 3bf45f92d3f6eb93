import { Type } from '../config/type.ts'
import { orNull, time } from './schema-value.ts'

/** What the store has not taken up of a configuration that is in force. */
const WaitingSchema = Type.Array(Type.String(), {
  description:
    'What the store has not taken up of it, in sentences: it is tried again until it has. Empty = nothing.',
})

/** What became of the last reload. */
export const ReloadStandingSchema = Type.Object({
  inForceSince: time('When the configuration in force was taken.'),
  waiting: WaitingSchema,
  refused: orNull(
    Type.Object({
      at: time('When the file was read.'),
      problems: Type.Array(Type.String(), { description: 'Each a sentence with its place.' }),
    }),
    'The file as it was read last, where it was not taken; null = it was.',
  ),
})

/** A configuration that was taken. */
export const ReloadedSchema = Type.Object({
  changes: Type.Array(Type.String(), { description: 'Empty = nothing has.' }),
  waiting: WaitingSchema,
})
