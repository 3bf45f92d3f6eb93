import type { Stage } from './demo-stage.ts'

/**
 * What there is to see and to try while everything keeps running; `serin` is how the command line is
 * started there.
 */
export function renderInvitation(stage: Stage, serin: string): string {
  const names = stage.services.map(({ scenario }) => scenario)
  const promoted = names.find(({ expected }) => expected.ending === 'promoted')!.service
  const rolledBack = names.find(({ expected }) => expected.ending === 'rolled-back')!.service
  const commands: readonly (readonly [command: string, why: string])[] = [
    ['status --watch', 'all services, live'],
    [`status ${rolledBack}`, 'one of them, with its evidence'],
    [`explain ${rolledBack}`, 'why it was rolled back'],
    [`decisions ${promoted}`, 'how the other was promoted'],
    [`retry ${rolledBack} --force`, 'try the bad one again, and watch'],
    [`undo ${promoted}`, 'take the promotion back'],
    [`backtest ${rolledBack}`, 'judge what was recorded again'],
  ]
  const width = Math.max(...commands.map(([command]) => command.length))
  return [
    '',
    'Everything keeps running, with users and true values, until Ctrl-C:',
    `  dashboard      ${stage.adminUrl}/`,
    `  gateway        ${stage.gatewayUrl}`,
    `  admin API      ${stage.adminUrl}/api/v1/services`,
    `  metrics        ${stage.adminUrl}/metrics`,
    `  configuration  ${stage.configFile}`,
    'In another terminal:',
    `  export SERIN_ADMIN=${stage.adminUrl}`,
    ...commands.map(([command, why]) => `  ${serin} ${command.padEnd(width)}  # ${why}`),
    '',
  ].join('\n')
}
