import type { Static } from 'typebox'
import {
  AdminSchema,
  FeedbackSchema,
  GatewaySchema,
  LastWeightsSchema,
  StoreSchema,
} from './schema-gateway.ts'
import { NotifySchema } from './schema-notify.ts'
import { bodySource, origin, pathPattern } from './schema-place.ts'
import { AnalysisSchema, RolloutSchema } from './schema-rollout.ts'
import { MirrorSchema, ObserveSchema, SplitSchema } from './schema-split.ts'
import { map, namedMap, note, text } from './schema-value.ts'
import { VariantsSchema } from './schema-variant.ts'
import { Type } from './type.ts'

const MatchSchema = map(
  {
    path: pathPattern(note('A literal path, or a prefix that ends in /*.', 'live')),
    methods: Type.Optional(
      Type.Array(text(note('A method.', 'live'), '^[A-Za-z-]+$', 'an HTTP method such as POST'), {
        minItems: 1,
        ...note('Methods that belong to the service. Without it: all.', 'live'),
      }),
    ),
    host: Type.Optional(
      text(
        note('Host that the request must name, without port. Without it: any.', 'live'),
        '^[A-Za-z0-9._-]+$|^\\[[0-9A-Fa-f:.]+\\]$',
        'a host name without port',
      ),
    ),
  },
  note('Which requests belong to the service.', 'live'),
)

const ErrorsSchema = map(
  {
    statuses: Type.Optional(
      Type.Array(
        Type.Integer({ minimum: 100, maximum: 599, title: 'a status from 100 to 599' }),
        note("Statuses that count as the variant's failure. Without it: 5xx.", 'live'),
      ),
    ),
    streamError: Type.Optional(
      bodySource(
        note(
          'Where an event at the end of a streamed answer says that it failed. Without it: a stream is judged by its status.',
          'live',
        ),
      ),
    ),
  },
  { minProperties: 1, ...note('What counts as a failure.', 'live') },
)

const ServiceSchema = map(
  {
    match: MatchSchema,
    idempotent: Type.Optional(
      Type.Boolean({
        title: 'true or false',
        ...note('Inference without side effects: a request may be sent again.', 'live', false),
      }),
    ),
    variants: VariantsSchema,
    split: Type.Optional(SplitSchema),
    mirror: Type.Optional(MirrorSchema),
    observe: Type.Optional(ObserveSchema),
    errors: Type.Optional(ErrorsSchema),
    rollout: Type.Optional(RolloutSchema),
    analysis: Type.Optional(AnalysisSchema),
    notify: Type.Optional(NotifySchema),
  },
  note('One model endpoint that callers know.', 'live'),
)

/** The whole configuration file: the one description of it that everything else is made from. */
export const ConfigSchema = map(
  {
    version: Type.Literal(1, note('Version of this format.', 'restart')),
    gateway: GatewaySchema,
    admin: Type.Optional(AdminSchema),
    store: Type.Optional(StoreSchema),
    lastWeights: Type.Optional(LastWeightsSchema),
    feedback: Type.Optional(FeedbackSchema),
    passthrough: Type.Optional(
      origin(note('Where requests go that belong to no service. Without it: 404.', 'restart')),
    ),
    services: namedMap(ServiceSchema, {
      minProperties: 1,
      ...note('The model endpoints.', 'live'),
    }),
  },
  { description: 'The configuration of serin.' },
)

/** A file that follows the schema, before units and defaults. */
export type RawConfig = Static<typeof ConfigSchema>
/** A service as the file writes it. */
export type RawService = Static<typeof ServiceSchema>
