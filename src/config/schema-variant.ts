import type { Static } from 'typebox'
import { DEFAULTS } from './defaults.ts'
import { dnsName, filePath, literalPath, origin, pathPattern } from './schema-place.ts'
import { count, duration, map, namedMap, note, positiveDuration, text } from './schema-value.ts'
import { Type } from './type.ts'

/** When a file of certificates is read. */
const RENEWED = 'live (a file that is replaced is read again at once)'

const TimeoutSchema = map(
  {
    connect: Type.Optional(
      positiveDuration(note('Until the connection stands.', 'live', DEFAULTS.timeout.connect)),
    ),
    firstByte: Type.Optional(
      positiveDuration(
        note('Until the first byte of the answer.', 'live', DEFAULTS.timeout.firstByte),
      ),
    ),
    idle: Type.Optional(
      positiveDuration(note('Between two pieces of a body.', 'live', DEFAULTS.timeout.idle)),
    ),
    total: Type.Optional(
      positiveDuration(note('For the whole attempt. Without it: no limit.', 'live')),
    ),
    keepAlive: Type.Optional(
      positiveDuration(
        note(
          'How long a connection is kept without a request, at most: less than the server does, up to 1h. Without it: 4s, or 2s less than its Keep-Alive field says.',
          'live',
        ),
      ),
    ),
  },
  note('Limits of one attempt, and of the connections between attempts.', 'live'),
)

const HealthSchema = map(
  {
    path: literalPath(note('What is asked with GET; 2xx is healthy.', 'live')),
    interval: Type.Optional(
      positiveDuration(
        note(
          'Between two checks; at most 1s until it was healthy for the first time.',
          'live',
          DEFAULTS.health.interval,
        ),
      ),
    ),
    unhealthyAfter: Type.Optional(
      count(note('Failed checks in a row.', 'live', DEFAULTS.health.unhealthyAfter)),
    ),
    healthyAfter: Type.Optional(
      count(note('Good checks in a row.', 'live', DEFAULTS.health.healthyAfter)),
    ),
  },
  note('Active health checks of each upstream.', 'live'),
)

const VariantSchema = map(
  {
    version: text(
      note(
        "The model's version; differs between the variants of a service.",
        'live (a new canary version is a new rollout)',
      ),
      '^[A-Za-z0-9][A-Za-z0-9._+:@/-]{0,62}$',
      'a version in quotes such as "2.0", of letters, digits and ._+:@/-',
    ),
    upstreams: Type.Array(origin(note('Scheme, host and port of a server.', 'live')), {
      minItems: 1,
      ...note('The servers that answer for this variant.', 'live'),
    }),
    path: Type.Optional(
      pathPattern(
        note('Replaces the matched path; ends in /* exactly when match.path does.', 'live'),
      ),
    ),
    timeout: Type.Optional(TimeoutSchema),
    health: Type.Optional(HealthSchema),
    maxInFlight: Type.Optional(count(note('Requests at its upstreams at once.', 'live'))),
    queue: Type.Optional(
      map(
        {
          max: count(note('Requests that wait at once.', 'live')),
          timeout: positiveDuration(note('How long each waits at most.', 'live')),
        },
        note('Where requests wait when maxInFlight is reached.', 'live'),
      ),
    ),
    tls: Type.Optional(
      map(
        {
          ca: Type.Optional(
            filePath(
              note(
                "File with the authorities that are trusted, PEM. Without it: the system's.",
                RENEWED,
              ),
            ),
          ),
          cert: Type.Optional(
            filePath(note('File with the certificate that we show, PEM.', RENEWED)),
          ),
          key: Type.Optional(filePath(note('File with its private key, PEM.', RENEWED))),
          servername: Type.Optional(
            dnsName(
              note("Name that is asked for and verified. Without it: the upstream's host.", 'live'),
            ),
          ),
        },
        note('How https upstreams are verified (always) and how we show ourselves.', 'live'),
      ),
    ),
    eject: Type.Optional(
      map(
        {
          consecutiveFailures: Type.Optional(
            count(note('Failures in a row.', 'live', DEFAULTS.eject.consecutiveFailures)),
          ),
          base: Type.Optional(
            positiveDuration(note('First time out; doubles.', 'live', DEFAULTS.eject.base)),
          ),
          max: Type.Optional(
            positiveDuration(note('Longest time out.', 'live', DEFAULTS.eject.max)),
          ),
        },
        note('Passive ejection of a failing upstream.', 'live'),
      ),
    ),
    slowStart: Type.Optional(
      duration(note('How long an upstream that came back gets less than its share.', 'live')),
    ),
  },
  note('A version of the model that can answer.', 'live'),
)

/** `services.*.variants`: the baseline, and whoever else can answer. */
export const VariantsSchema = namedMap(VariantSchema, {
  required: ['baseline'],
  ...note('The versions that can answer: baseline, canary, or further names.', 'live'),
})

/** A variant as the file writes it. */
export type RawVariant = Static<typeof VariantSchema>
