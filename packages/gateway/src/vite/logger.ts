// Vite's logger as the gateway's.

import type { Logger as ViteLogger } from 'vite'
import type { Logger } from '../logger.ts'

/**
 * PHP's stderr is left out, which is told by itself.
 * @param getLogger Asked each time: a server that has restarted has another one.
 */
export function gatewayLogger(vite: ViteLogger): Logger {
  const say =
    (level: 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      if (level === 'warn' && 'stderr' in fields && message.endsWith('PHP wrote to stderr')) return
      vite[level](message, { timestamp: true })
    }
  return { debug: () => {}, info: say('info'), warn: say('warn'), error: say('error') }
}
