import { SCOPES, type Scope } from './config.ts'
import { DEFAULTS } from './defaults.ts'
import { filePath, listen, literalPath } from './schema-place.ts'
import { bearer, count, duration, map, note, share, size, text } from './schema-value.ts'
import { Type } from './type.ts'

const RESTART = 'restart'
const RENEWED = 'restart (a file that is replaced is read again at once)'

/** `gateway`: the data port. */
export const GatewaySchema = map(
  {
    listen: listen(
      note(
        'Address of the data port; localhost is both IPv4 and IPv6, of any other name the first address that it has.',
        RESTART,
      ),
    ),
    workers: Type.Optional(
      Type.Unsafe<'auto' | number>({
        title: 'a whole number from 1 to 256, or auto',
        anyOf: [{ type: 'integer', minimum: 1, maximum: 256 }, { const: 'auto' }],
        ...note(
          'Processes that share the data port; auto = one per core.',
          RESTART,
          DEFAULTS.workers,
        ),
      }),
    ),
    tls: Type.Optional(
      map(
        {
          cert: filePath(
            note("File with the certificate chain, the server's own first, PEM.", RENEWED),
          ),
          key: filePath(note('File with its private key, PEM.', RENEWED)),
        },
        note('TLS on the data port: HTTP/1.1 over TLS 1.2 or 1.3.', RESTART),
      ),
    ),
    trustedProxies: Type.Optional(
      Type.Array(Type.String({ title: 'an address or CIDR such as 10.0.0.0/8' }), {
        ...note('Addresses or CIDRs whose X-Forwarded-* are kept.', 'live', []),
      }),
    ),
    health: Type.Optional(
      literalPath(
        note(
          'Path on the data port that answers load balancers with the readiness status; needs no token.',
          RESTART,
          DEFAULTS.healthPath,
        ),
      ),
    ),
    variantHeader: Type.Optional(
      Type.Boolean({
        title: 'true or false',
        ...note(
          'Whether answers name the variant that gave them (x-serin-variant, x-serin-fallback).',
          'live',
          DEFAULTS.variantHeader,
        ),
      }),
    ),
    limits: Type.Optional(
      map(
        {
          body: Type.Optional(
            size(note('Largest request body, in bytes with a unit.', 'live', DEFAULTS.limits.body)),
          ),
          header: Type.Optional(
            size(
              note('Largest request head, in bytes with a unit.', RESTART, DEFAULTS.limits.header),
            ),
          ),
          inFlight: Type.Optional(
            count(
              note('Requests in progress at once; more get 503.', 'live', DEFAULTS.limits.inFlight),
            ),
          ),
        },
        note('What the data port refuses.', 'live (header: restart)'),
      ),
    ),
    drain: Type.Optional(
      map(
        {
          wait: Type.Optional(
            duration(
              note(
                'After SIGTERM: how long new requests are still taken while readiness says no and each answer ends its connection.',
                'live',
                DEFAULTS.drain.wait,
              ),
            ),
          ),
          deadline: Type.Optional(
            duration(
              note('How long running requests may then take.', 'live', DEFAULTS.drain.deadline),
            ),
          ),
          streams: Type.Optional(
            duration(
              note('How long streaming answers may then take.', 'live', DEFAULTS.drain.streams),
            ),
          ),
        },
        note('How the gateway stops.', 'live'),
      ),
    ),
    log: Type.Optional(
      map(
        {
          access: Type.Optional(
            map(
              {
                sample: Type.Optional(
                  share(
                    note(
                      'Share of requests with a log line; errors always have one.',
                      'live',
                      DEFAULTS.accessSample,
                    ),
                  ),
                ),
              },
              note('The access log.', 'live'),
            ),
          ),
        },
        note('What is logged.', 'live'),
      ),
    ),
  },
  note('The data port.', 'live (listen, tls, health: restart)'),
)

/** `admin`: the port of operators, Prometheus and the CLI. */
export const AdminSchema = map(
  {
    listen: Type.Optional(
      listen(
        note(
          'Address of the admin port; off loopback only with tokens.',
          RESTART,
          DEFAULTS.adminListen,
        ),
      ),
    ),
    tokens: Type.Optional(
      Type.Array(
        map({
          name: text(
            note('Who acts with this token: the actor in the decision log.', 'live'),
            '^[A-Za-z0-9][A-Za-z0-9@._-]{0,62}$',
            'a name of at most 63 letters, digits, @, dots, dashes and underscores',
          ),
          token: bearer(note('The bearer token.', 'live'), 16),
          scopes: Type.Array(Type.Unsafe<Scope>({ type: 'string', enum: [...SCOPES] }), {
            minItems: 1,
            uniqueItems: true,
            ...note('What the token may do.', 'live'),
          }),
          services: Type.Optional(
            Type.Array(Type.String({ title: 'the name of a service' }), {
              minItems: 1,
              uniqueItems: true,
              ...note(
                'The services that it may operate and send feedback for; each line has to name one, and `reload` is not its. It reads all. Without it: all.',
                'live',
              ),
            }),
          ),
          expires: Type.Optional(
            text(
              note('Last day (UTC) on which the token is good. Without it: no end.', 'live'),
              '^\\d{4}-\\d{2}-\\d{2}$',
              'a day such as 2027-06-30',
            ),
          ),
        }),
        note('Who may use the admin port.', 'live', []),
      ),
    ),
  },
  note('The admin port.', RESTART),
)

/** `store`: where rollouts, decisions and evidence are kept. */
export const StoreSchema = text(
  note(
    'lmdb:PATH (embedded; a relative path starts at this file) or redis://HOST:PORT/DB for gateways on several machines (rediss: TLS).',
    RESTART,
    DEFAULTS.store,
  ),
  '^(?:lmdb:[^\\x00-\\x1f]+|rediss?://[!-~]+)$',
  'lmdb:PATH or redis://HOST:PORT/DB',
)

/** `lastWeights`: what a gateway goes by when it starts while its Redis is away. */
export const LastWeightsSchema = text(
  note(
    'Beside a store in Redis: the file in which this gateway keeps the last weights, for a start while Redis is away (a relative path starts at this file).',
    RESTART,
    DEFAULTS.lastWeights,
  ),
  '^[^\\x00-\\x1f]+$',
  'the path of a file',
)

/** `feedback`: how much waits for labels and events, and how long. */
export const FeedbackSchema = map(
  {
    maxPending: Type.Optional(
      count(note('Predictions that wait for a label.', RESTART, DEFAULTS.feedback.maxPending)),
    ),
    maxBytes: Type.Optional(
      size(note('Room for them, in bytes with a unit.', RESTART, DEFAULTS.feedback.maxBytes)),
    ),
    retention: Type.Optional(
      duration(note('How long they are kept at most.', RESTART, DEFAULTS.feedback.retention)),
    ),
  },
  note('The join of labels and events.', RESTART),
)
