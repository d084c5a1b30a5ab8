// The listener for those who run the server. Never the public one: it tells what nobody else needs to know.

import type { ServerResponse } from 'node:http'
import type { NodeRequest, NodeResponse } from '../adapters/node.ts'
import { exposition, EXPOSITION_TYPE, type MetricFamily } from './metric-families.ts'
import type { BackendHealth } from './readiness.ts'

/** Whether requests are welcome. */
export interface Readiness {
  readonly ready: boolean
  readonly draining: boolean
  readonly backends: readonly BackendHealth[]
}

/** What the listener tells about: one process, or a process and its workers. */
export interface AdminSource {
  readiness(): Promise<Readiness>
  metrics(): Promise<readonly MetricFamily[]>
  status(): Promise<object>
}

interface Page {
  readonly status: number
  readonly type: string
  readonly text: string
}

const PAGES: Readonly<Record<string, (source: AdminSource) => Promise<Page>>> = {
  '/livez': () => Promise.resolve({ status: 200, type: 'text/plain; charset=utf-8', text: 'ok\n' }),
  '/readyz': async (source) => {
    const readiness = await source.readiness()
    return json(readiness.ready ? 200 : 503, readiness)
  },
  '/metrics': async (source) => {
    return { status: 200, type: EXPOSITION_TYPE, text: exposition(await source.metrics()) }
  },
  '/status': async (source) => json(200, await source.status()),
}

/** @param failed Hears of what could not be told. */
export function adminListener(
  source: AdminSource,
  failed: (error: unknown) => void,
): (request: NodeRequest, response: NodeResponse) => void {
  return (request, response) => {
    pageOf(request, source)
      .catch((error: unknown): Page => {
        failed(error)
        return plain(500, 'Internal Server Error')
      })
      .then((page) => send(request, response as ServerResponse, page))
      .catch(failed)
  }
}

async function pageOf(request: NodeRequest, source: AdminSource): Promise<Page> {
  const path = (request.url ?? '').split('?', 1)[0] ?? ''
  const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined
  if (!page) return plain(404, `Not Found: there are ${Object.keys(PAGES).join(', ')}`)
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'Method Not Allowed')
  return page(source)
}

function send(request: NodeRequest, response: ServerResponse, page: Page): void {
  const body = Buffer.from(page.text)
  response.writeHead(page.status, {
    'content-type': page.type,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(page.status === 405 && { allow: 'GET, HEAD' }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function json(status: number, value: object): Page {
  return { status, type: 'application/json', text: `${JSON.stringify(value, undefined, 2)}\n` }
}

function plain(status: number, text: string): Page {
  return { status, type: 'text/plain; charset=utf-8', text: `${text}\n` }
}
