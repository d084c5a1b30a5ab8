// Which requests of a server of Vite are PHP's. It is asked twice: before Vite, for scripts that a path itself leads to, which Vite would
// send as they are; and behind Vite, for everything that is neither a module nor a file of it.

import { existsSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Connect, ProxyOptions } from 'vite'
import { NodeIncoming } from '../adapters/node-request.ts'
import { NodeReply } from '../adapters/node-reply.ts'
import { RecordedExchange } from '../adapters/reply-record.ts'
import { sendPage } from '../failure.ts'
import { answerBy, type Gateway } from '../gateway.ts'
import { causes } from './problems.ts'

/** What there is to know of the server of Vite. */
export interface FrontSetting {
  readonly gateway: Gateway
  readonly base: string
  /** The folder of Vite's own pages. */
  readonly pages: string
  readonly proxy: Readonly<Record<string, string | ProxyOptions>> | undefined
  /** With their dot. */
  readonly scriptExtensions: readonly string[]
}

type Next = (error?: unknown) => void

/** What Vite has for itself, whatever a front controller might do with it. */
const OF_VITE =
  /^\/(?:@(?:vite|id|fs|fastcgi|react-refresh)(?:\/|$)|__(?:open-in-editor|inspect|devtools)\b)/
const MODULE_QUERY = /[?&](?:import|t|v|worker|sharedworker|raw|url|inline)\b/
/** A module or a style that is written into a page, under the path of the page. */
const PART_OF_PAGE = /[?&]html-proxy&(?:[\w-]+&)*index=\d+\.(?:js|css)\b/

export class Front {
  readonly #setting: FrontSetting
  /** The targets as they were before Vite rewrote them: without its base. */
  readonly #asked = new WeakMap<IncomingMessage, string>()

  constructor(setting: FrontSetting) {
    this.#setting = setting
  }

  /** To be used before Vite's own middlewares. */
  readonly before: Connect.NextHandleFunction = (request, response, next) => {
    const target = this.#withoutBase(request.url ?? '/')
    if (target === undefined || this.#isProxied(request.url ?? '/') || isOfVite(target)) {
      next()
      return
    }
    const namesScript = this.#namesScript(target)
    // `script.php?v=2` is PHP's, whoever asks: it is no module, since Vite reads no source of PHP.
    if (!namesScript && isModule(target, request)) {
      next()
      return
    }
    this.#asked.set(request, target)
    // A script that is not there is not for Vite to look for: it would answer for one that is elsewhere.
    this.#ask(request, response, target, true, namesScript ? undefined : next)
  }

  /** To be used behind Vite's own middlewares, before its pages and its 404. */
  readonly behind: Connect.NextHandleFunction = (request, response, next) => {
    const target = this.#asked.get(request)
    if (target === undefined || this.#isPageOfVite(request.url ?? '/', target)) next()
    else this.#ask(request, response, target, false, next)
  }

  #ask(
    request: IncomingMessage,
    response: ServerResponse,
    target: string,
    scriptsOnly: boolean,
    next: Next | undefined,
  ): void {
    const { base } = this.#setting
    const original = 'originalUrl' in request ? String(request.originalUrl) : (request.url ?? '/')
    const body = 'body' in request ? { body: request.body } : {}
    const incoming = new NodeIncoming(request, response, {
      url: target,
      originalUrl: original,
      // Of Express, which Vite's base comes behind.
      ...(base === '/' && 'baseUrl' in request && { baseUrl: String(request.baseUrl) }),
      ...body,
    })
    const reply = new NodeReply(request, response)
    const exchange = new RecordedExchange(incoming, reply)
    exchange.mount = incoming.base
    exchange.scriptsOnly = scriptsOnly
    exchange.next = (error) => {
      if (error === undefined && next) {
        next()
        return
      }
      const status = statusOf(error)
      exchange.error ??= error
      const details = error === undefined ? undefined : causes(error, target)
      sendPage(exchange, { status, details })
    }
    answerBy(this.#setting.gateway, exchange)
    reply.requestReturned()
  }

  #withoutBase(url: string): string | undefined {
    const { base } = this.#setting
    // A relative base, as it is used for builds, is none here.
    if (!base.startsWith('/') || base === '/') return url
    return url.startsWith(base) ? url.slice(base.length - 1) : undefined
  }

  /** As Vite decides it. */
  #isProxied(url: string): boolean {
    return Object.keys(this.#setting.proxy ?? {}).some((context) =>
      context.startsWith('^') ? new RegExp(context).test(url) : url.startsWith(context),
    )
  }

  #namesScript(target: string): boolean {
    const path = `${decoded(pathOf(target)).toLowerCase()}/`
    return this.#setting.scriptExtensions.some((extension) => path.includes(`${extension}/`))
  }

  /** Vite has found a page of its own for the path; not the one that it has for all the others. */
  #isPageOfVite(url: string, target: string): boolean {
    const page = pathOf(url)
    const path = pathOf(target)
    const isOwn = [path, `${path}.html`, `${path}index.html`].includes(page)
    return page.endsWith('.html') && isOwn && existsSync(join(this.#setting.pages, decoded(page)))
  }
}

function isOfVite(target: string): boolean {
  return OF_VITE.test(target) || isPartOfPage(target)
}

/** Whether an address is that of a module, or of styles, that a page has within itself. */
export function isPartOfPage(target: string): boolean {
  return PART_OF_PAGE.test(target)
}

/** Modules are asked for by scripts, with queries that Vite has put there. */
function isModule(target: string, { headers }: IncomingMessage): boolean {
  const isImported = ['script', 'worker', 'sharedworker', 'style'].includes(
    String(headers['sec-fetch-dest']),
  )
  return isImported && MODULE_QUERY.test(target)
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? ''
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function statusOf(error: unknown): number {
  if (error === undefined) return 404
  return error instanceof Error && 'status' in error ? Number(error.status) : 500
}
