import t from 'tap'
import { parse } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { buildDemoConfig } from '../../src/demo/build-demo-config.ts'
import { buildPace } from '../../src/demo/scenario.ts'

t.test('the gateway accepts the configuration of either pace without a warning', (t) => {
  for (const quick of [true, false]) {
    const text = buildDemoConfig({
      dataPort: 8080,
      adminPort: 9090,
      storeFolder: '/tmp/serin-demo-x/data',
      upstreams: [{ service: 'mpg-better', baselinePort: 8001, canaryPort: 8002 }],
      pace: buildPace(quick),
    })
    const result = parseConfig(text, { file: null, env: {} })
    t.ok(result.ok)
    t.same(result.ok ? result.warnings : result.problems, [])
  }
  t.end()
})

t.test('the configuration has every service with its two servers and the same rules', (t) => {
  const text = buildDemoConfig({
    dataPort: 8080,
    adminPort: 9090,
    storeFolder: '/tmp/a demo/data',
    upstreams: [
      { service: 'mpg-better', baselinePort: 8001, canaryPort: 8002 },
      { service: 'mpg-skewed', baselinePort: 8003, canaryPort: 8004 },
    ],
    pace: buildPace(false),
  })
  const config = parse(text) as { services: Record<string, { analysis: unknown; split: unknown }> }
  t.match(config, {
    version: 1,
    gateway: { listen: '127.0.0.1:8080' },
    admin: { listen: '127.0.0.1:9090' },
    store: 'lmdb:/tmp/a demo/data',
  })
  t.same(Object.keys(config.services), ['mpg-better', 'mpg-skewed'])
  t.match(config.services['mpg-skewed'], {
    match: { path: '/v2/models/mpg-skewed/*' },
    variants: {
      baseline: { upstreams: ['http://127.0.0.1:8003'] },
      canary: { upstreams: ['http://127.0.0.1:8004'] },
    },
    split: { key: 'header:x-user-id', rules: [{ variant: 'baseline' }] },
    rollout: {
      steps: [{ weight: '5%' }, { weight: '20%' }, { weight: '50%' }, { weight: '100%' }],
    },
    analysis: { metrics: { rmse: { maxIncrease: '5%', cap: 20 } } },
  })
  const { 'mpg-better': better, 'mpg-skewed': skewed } = config.services
  t.same(better!.analysis, skewed!.analysis, 'nothing tells the gateway which canary is good')
  t.same(better!.split, skewed!.split)
  t.end()
})
