/** What the examples take from the environment. */
export const EXAMPLE_ENV = {
  SERIN_OPERATOR_TOKEN: 'operator-token-0123456789',
  SERIN_FEEDBACK_TOKEN: 'feedback-token-0123456789',
  SERIN_OVERRIDE_SECRET: 'override-secret-0123456789',
  SERIN_METRICS_TOKEN: 'metrics-token-0123456789',
  REDIS_PASSWORD: 'redis-password',
  HOOK_SECRET: 'hook-secret-0123456789',
  SCORES_TOKEN: 'scores-token',
}
