// A server in a process of its own, for what only a process can show: signals, workers, and how it ends.
//
//   node gateway-program.js <file with options as JSON>
//
// Says on stdout, in one JSON each line: what it logs, and `{ "ready": addresses, "admin": … }` once it listens.

import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { serve, type ServeOptions, type Exchange } from '@fastcgi/gateway'
import { sendText } from './exchanges.ts'

const file = process.argv[2]!

function say(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

function log(level: string): (fields: object, message: string) => void {
  return (_fields, message) => say({ level, message, pid: process.pid })
}

interface Program extends ServeOptions {
  /** What is answered, beside the pid. */
  readonly text?: string
}

function optionsOf(): ServeOptions {
  const { text = '', ...options } = JSON.parse(readFileSync(file, 'utf8')) as Program
  const answer = async (exchange: Exchange): Promise<void> => {
    const { pathname, searchParams } = new URL(exchange.request.target, 'http://a')
    if (pathname === '/slow') await delay(Number(searchParams.get('ms')))
    if (pathname === '/never') return
    if (pathname === '/die') process.kill(process.pid, 'SIGKILL')
    sendText(exchange, `${process.pid} ${text}`)
  }
  return {
    ...options,
    logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    signals: true,
    reload: optionsOf,
    // What a site of PHP is asked is for that site to answer.
    use: options.php === undefined ? [() => answer] : [],
  }
}

try {
  const server = await serve(optionsOf())
  if (server.role !== 'worker') say({ ready: server.addresses, admin: server.admin })
} catch (error) {
  say({ failed: error instanceof Error ? error.message : String(error) })
  process.exitCode = 1
}
