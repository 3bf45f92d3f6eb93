import t from 'tap'
import type { DecisionDraft } from '../../src/domain/decision.ts'
import { hookKey } from '../../src/notify/hook-key.ts'
import { renderBody } from '../../src/notify/render-body.ts'
import { LONGEST_RETRY_MS, retryDelayMs } from '../../src/notify/retry-delay.ts'
import { sign } from '../../src/notify/sign.ts'
import { hook } from '../fakes/rollout.ts'
import { sampleDecision } from '../store/samples.ts'

t.test('the signature is the one that openssl computes', (t) => {
  // printf '%s' '1767225600.{"id":17}' | openssl dgst -sha256 -hmac 'whsec_0123456789abcdef'
  t.equal(
    sign('whsec_0123456789abcdef', 1_767_225_600, '{"id":17}'),
    't=1767225600,v1=22d5444d6f2f9545e02eacda9a5b4f475a7f65c273e293ca23fc239dc1df38a0',
  )
  t.end()
})

t.test('the wait doubles up to five minutes, half of it drawn', (t) => {
  t.same(
    [1, 2, 3, 9].map((failures) => retryDelayMs(failures, 0)),
    [500, 1000, 2000, 128_000],
  )
  t.same(
    [1, 2, 3, 9].map((failures) => retryDelayMs(failures, 0.5)),
    [750, 1500, 3000, 192_000],
  )
  t.equal(retryDelayMs(10, 1), LONGEST_RETRY_MS)
  t.equal(retryDelayMs(5000, 1), LONGEST_RETRY_MS, 'however often it has failed')
  t.end()
})

t.test('a webhook is remembered by its address alone, which the key does not tell', (t) => {
  const one = hook({ url: 'https://hooks.example.com/T0/s3cret' })
  t.match(hookKey(one), /^[0-9a-f]{16}$/)
  t.equal(hookKey(one), hookKey({ ...one, secret: 'x', on: ['held'], template: 'slack' }))
  t.not(hookKey(one), hookKey({ ...one, url: `${one.url}/x` }))
  t.end()
})

t.test('Slack gets the sentence, with who and why, and nothing in it is markup', (t) => {
  const text = (change: Partial<DecisionDraft>) =>
    (
      JSON.parse(
        renderBody('slack', sampleDecision({ summary: 'It <is> so.', ...change }), {}),
      ) as {
        text: string
      }
    ).text
  t.equal(text({}), '*credit-risk* (1.4-&gt;2.0#1): It &lt;is&gt; so.')
  t.equal(
    text({ actor: 'ops', note: 'a & b\n<!channel>' }),
    '*credit-risk* (1.4-&gt;2.0#1): It &lt;is&gt; so.\n_by ops_\n> a &amp; b &lt;!channel&gt;',
  )
  t.equal(renderBody('json', sampleDecision(), { id: 1 }), '{"id":1}')
  t.end()
})
