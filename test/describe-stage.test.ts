import t from 'tap'
import type { Deciding } from '../src/domain/replica.ts'
import { describeReadiness } from '../src/describe-stage.ts'
import type { Untaken } from '../src/evaluator/evaluator-deps.ts'
import type { SeenReplicas } from '../src/evaluator/replicas.ts'

/** The checks of a gateway with two services and what is not decided on. */
function checksOf(
  replicas: SeenReplicas | null,
  deciding: Deciding,
  untaken: readonly Untaken[] = [],
) {
  const services = ['plain', 'a', 'b'].map((name) => ({ name }))
  const evaluator = {
    ...{ lead: deciding.lead, replicas, untaken },
    deciding: (name: string) =>
      name === 'plain' ? null : { ...deciding, differs: deciding.differs && name === 'b' },
  }
  const stage = { listening: true, ready: true, draining: false }
  return describeReadiness(stage, evaluator, services, 'up').checks
}

t.test(
  '/readyz of who decides names the service and the process that has it otherwise',
  async (t) => {
    const rest = { lostShares: 0, labelledAt: new Map() }
    const here = { lead: 'here', holder: null, differs: false } as const
    const differing = [
      { replica: 'gw-2:4711:0a1b2c3d', services: ['a', 'b'] },
      { replica: 'gw-3:5:0a1b2c3e', services: ['b'] },
    ]
    t.match(checksOf({ others: 3, differing, ...rest }, here), {
      evaluator: 'decides',
      replicas:
        '3 other processes on this store: their requests are evidence too, but not where the configuration, ' +
        'or what this version of serin makes of it, is another one (a, b on process 4711 on gw-2; b on process 5 on gw-3)',
    })
    t.match(checksOf({ others: 0, differing: [], ...rest }, here), {
      replicas: 'no other process on this store',
    })
  },
)

t.test(
  '/readyz of who follows names the process that decides, and what it has otherwise',
  async (t) => {
    const elsewhere = { lead: 'elsewhere', holder: 'gw-1:12:0a1b2c3d', differs: false } as const
    t.match(checksOf(null, elsewhere), {
      evaluator: 'process 12 on gw-1 decides',
      replicas: 'what is served here is evidence for the process that decides',
    })
    t.match(checksOf(null, { ...elsewhere, holder: null, differs: true }), {
      evaluator: 'another process decides',
      replicas:
        /, but not of b: that one has another configuration, or is another version of serin$/,
    })
    t.match(checksOf(null, { lead: 'unknown', holder: null, differs: false }), {
      evaluator: 'nobody is known to decide',
      replicas: 'what is served here is evidence for nobody',
    })
  },
)

t.test('/readyz says what of the configuration in force is not taken up', (t) => {
  const here = { lead: 'here', holder: null, differs: false } as const
  t.match(checksOf(null, here), { configuration: 'in force' })
  const untaken = ['a', 'b'].map((service) => ({ service, sentence: `services.${service}: waits` }))
  t.match(checksOf(null, here, untaken), {
    configuration: 'in force; services.a: waits; services.b: waits',
  })
  t.end()
})
