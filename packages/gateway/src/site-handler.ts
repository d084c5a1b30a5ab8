// What a site does with an exchange: a file, a script, a redirect, or a page that says there is nothing.

import { CgiResponseError } from '@fastcgi/client'
import { decodePath, type CgiHead, type ScriptPath } from '@fastcgi/client/http'
import { BodyMemory } from './bodies/body-memory.ts'
import { takeBody, type TakenBody } from './bodies/request-body.ts'
import type { RequestBodyRules } from './bodies/rules.ts'
import { escapeHtml } from './error-page.ts'
import type { Exchange } from './exchange.ts'
import { newReference, sendPage, type Fail } from './failure.ts'
import { printable, requestFields, requestLine } from './log-fields.ts'
import type { IncomingBody } from './http.ts'
import type { Logger } from './logger.ts'
import { RedirectedRequest } from './redirected-request.ts'
import type { ResponseRules } from './replies/rules.ts'
import { SpooledReply } from './replies/spooled-reply.ts'
import { passedHeaders, type Orders } from './reply-head.ts'
import { resolve, scriptsOnly } from './resolve.ts'
import { ScriptRun, type ScriptHooks } from './script-run.ts'
import { orderedFile } from './ordered-file.ts'
import { sendFile } from './send-file.ts'
import type { Site } from './site.ts'
import { compileStatic } from './compile-rules.ts'
import type { Sites } from './sites.ts'
import { StatusError } from './status-error.ts'

/** What a site handler works with. */
export interface SiteServices {
  readonly sites: Sites
  readonly requestBody: RequestBodyRules
  readonly response: ResponseRules
  readonly logger: Logger
  readonly fail: Fail
  readonly development: boolean
  /** Whether what PHP wrote to stderr is shown at the end of its pages. */
  readonly panel: boolean
}

const MAX_LOCAL_REDIRECTS = 10
/** What php-fpm says about a script that is not there for it, whatever the reason. */
const UNREADABLE = 'Primary script unknown'
/** Files that the application has ordered are sent as it says. */
const ORDERED = compileStatic({ precompressed: false })

export class SiteHandler implements ScriptHooks {
  readonly #services: SiteServices
  readonly #bodyMemory: BodyMemory
  readonly fail: Fail
  readonly panel: ScriptHooks['panel']

  constructor(services: SiteServices) {
    this.#services = services
    this.#bodyMemory = new BodyMemory(services.requestBody.totalMemory)
    this.fail = services.fail
    this.panel = services.panel ? stderrPanel : undefined
  }

  /** Answers, by the site of the host and path. */
  handle(exchange: Exchange): void | Promise<void> {
    const { host } = exchange.client
    const site = this.#services.sites.find(host, exchange.path)
    if (!site) return this.#nothing(exchange, 421, `no site answers for ${host}`)
    exchange.site = site
    // Of a part of a site, with or without a root of its own, only what is behind its path names files.
    const path = exchange.path.slice(site.base.length)
    if (path === '') return redirectToFolder(exchange)
    const rules = exchange.scriptsOnly ? scriptsOnly(site.rules) : site.rules
    const resolution = resolve(path, rules, site.files?.look)
    switch (resolution.type) {
      case 'script':
        return this.#run(exchange, site, resolution.script)
      case 'file':
        if (!site.files || !site.static) return this.#nothing(exchange, 404, 'files are not sent')
        this.#watch(exchange)
        return sendFile(exchange, site.files, resolution.path, site.static)
      case 'redirect':
        return redirectToFolder(exchange)
      case 'none':
        // What the options deny is not for the files around this site either.
        if (exchange.scriptsOnly && rules.deny.matches(path)) exchange.next = undefined
        return this.#nothing(exchange, resolution.status, resolution.reason)
    }
  }

  redirect(exchange: Exchange, location: string): void {
    this.#settle(exchange, () => {
      const request = new RedirectedRequest(exchange.request, location)
      if (request.redirects > MAX_LOCAL_REDIRECTS) {
        throw new CgiResponseError(
          `more than ${MAX_LOCAL_REDIRECTS} local redirects, the last one to ${location}`,
        )
      }
      exchange.path = redirectedPath(location, exchange.mount)
      exchange.request = request
      return this.handle(exchange)
    })
  }

  orderFile(exchange: Exchange, orders: Orders, head: CgiHead): (() => void) | undefined {
    const { sendFileRoots } = exchange.site!
    const file = orderedFile(sendFileRoots, orders)
    if (!file) {
      const asked = printable(orders.redirectTo ?? orders.sendFile ?? '')
      this.#services.logger.warn(
        { site: exchange.site!.name, file: asked },
        `the application asked to send ${asked}, which is in none of the sendFileRoots, or not there`,
      )
      return undefined
    }
    const headers = passedHeaders(head, [])
    return () => {
      this.#watch(exchange)
      this.#settle(exchange, () =>
        sendFile(exchange, file.tree, file.path, ORDERED, { status: head.status, headers }),
      )
    }
  }

  warned(exchange: Exchange, stderr: string): void {
    const what =
      stderr.trim() === UNREADABLE
        ? `PHP cannot read its script below ${exchange.site!.params().root}: may it enter that folder, and has it the files there, too (backendRoot)?`
        : 'PHP wrote to stderr'
    this.#services.logger.warn(
      { ...requestFields(exchange), stderr: printable(stderr) },
      `${requestLine(exchange)}: ${what}`,
    )
  }

  spool(exchange: Exchange, streaming: boolean): void {
    const { response, logger } = this.#services
    exchange.streaming = streaming
    const onDiskFailure = (error: unknown): void =>
      logger.warn(
        { error, site: exchange.site?.name },
        'PHP waits for a slow client: the disk takes no more of its answer',
      )
    exchange.reply = new SpooledReply(exchange.reply, response, { streaming, onDiskFailure })
  }

  emptyFailure(exchange: Exchange, status: number): void {
    const { development, logger } = this.#services
    exchange.error ??= new StatusError(
      status,
      `the application failed with ${status}, and without a word`,
    )
    const stderr = printable(exchange.stderr)
    const reference = newReference()
    logger.error(
      { status, reference, ...requestFields(exchange), stderr },
      `${requestLine(exchange)}: the application failed with ${status}, and without a word`,
    )
    sendPage(exchange, { status, reference, details: development ? stderr : undefined })
  }

  #run(exchange: Exchange, site: Site, script: ScriptPath): void | Promise<void> {
    const { body } = exchange.request
    if (!site.backend) {
      throw new StatusError(502, `no backend runs the scripts of the site ${site.name}`)
    }
    if (!body) return this.#dispatch(exchange, site, script, undefined)
    return this.#runWithBody(exchange, site, script, body)
  }

  /** A worker is asked for once the body is there, so that no slow upload holds one. */
  async #runWithBody(
    exchange: Exchange,
    site: Site,
    script: ScriptPath,
    body: IncomingBody,
  ): Promise<void> {
    const taken = await takeBody(body, this.#services.requestBody, this.#bodyMemory)
    exchange.onClose(() => taken.dispose())
    if (!exchange.closed) this.#dispatch(exchange, site, script, taken)
  }

  #dispatch(exchange: Exchange, site: Site, script: ScriptPath, body: TakenBody | undefined): void {
    const base = exchange.mount + site.base
    const { request, client } = exchange
    const { params, prepared } = site.params().of(request, client, script, base, body?.length)
    exchange.script = script.scriptName
    const run = new ScriptRun(exchange, this, [...site.headers, ...exchange.replyHeaders])
    run.start(site.backend!.executor, { params, prepared, stdin: body?.stdin })
  }

  /** A file waits for its client by itself; but not for one that takes nothing any more. */
  #watch(exchange: Exchange): void {
    exchange.reply = new SpooledReply(exchange.reply, this.#services.response, { streaming: true })
  }

  /** Runs what is no longer within the call of the handler, and so would throw into the connection of the backend. */
  #settle(exchange: Exchange, act: () => void | Promise<void>): void {
    try {
      const done = act()
      if (done) done.catch((error: unknown) => this.fail(exchange, error))
    } catch (error) {
      this.fail(exchange, error)
    }
  }

  #nothing(exchange: Exchange, status: number, reason: string): void {
    const { logger, development } = this.#services
    logger.debug({ status, path: printable(exchange.path) }, printable(reason))
    if (exchange.next) exchange.next()
    else sendPage(exchange, { status, details: development ? printable(reason) : undefined })
  }
}

/** The path that an application answers by, behind the mount. @throws CgiResponseError when that is no path of this gateway. */
function redirectedPath(location: string, mount: string): string {
  try {
    const path = decodePath(location.split('?', 1)[0] ?? '')
    if (path === mount || path.startsWith(`${mount}/`)) return path.slice(mount.length)
  } catch (cause) {
    throw new CgiResponseError(`the local redirect to ${location} leads nowhere`, { cause })
  }
  throw new CgiResponseError(`the local redirect to ${location} leads out of ${mount}`)
}

/** The same path with a slash at its end; as it came, so that nothing is decoded and encoded anew. */
function redirectToFolder(exchange: Exchange): void {
  const { target } = exchange.request
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  // Two slashes at the beginning would name another host.
  const location = `${path.replace(/^\/{2,}/, '/')}/${query < 0 ? '' : target.slice(query)}`
  // 308 keeps the method of a request with a body; 301 is what everybody understands.
  const status = exchange.request.body ? 308 : 301
  exchange.send(status, [['location', location]])
}

/** Beside the page, below everything: what PHP wrote to stderr. */
function stderrPanel(stderr: string): Uint8Array {
  return new TextEncoder().encode(
    `\n<aside role="log" aria-label="stderr of PHP" style="all:revert;position:relative;z-index:2147483647;margin:1rem;padding:1rem;border:2px solid #b4371f;border-radius:.5rem;background:#fff6f3;color:#1d2330;font:13px/1.5 ui-monospace,monospace"><strong>stderr of PHP</strong><pre style="margin:.5rem 0 0;white-space:pre-wrap">${escapeHtml(printable(stderr))}</pre></aside>\n`,
  )
}
