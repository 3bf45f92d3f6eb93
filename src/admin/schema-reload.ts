import { Type } from '../config/type.ts'
import { orNull, time } from './schema-value.ts'

/** What became of the last reload. */
export const ReloadStandingSchema = Type.Object({
  inForceSince: time('When the configuration in force was taken.'),
  refused: orNull(
    Type.Object({
      at: time('When the file was read.'),
      problems: Type.Array(Type.String(), { description: 'Each a sentence with its place.' }),
    }),
    'The file as it was read last, where it was not taken; null = it was.',
  ),
})
