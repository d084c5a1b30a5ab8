// The options that say what is asked: shared by the request commands and `env`.

import type { Command } from 'commander'
import { collect } from '../flags.ts'
import { Exit, Failure } from '../failure.ts'
import type { Io } from '../io.ts'
import { VERSION } from '../version.ts'
import { bodyFrom, dataOf, JSON_TYPE } from './body.ts'
import type { Body, BodyFlag } from './files.ts'
import { readHeaders, type Header } from './headers.ts'
import { requestParams, type ParamFlags } from './params.ts'
import type { RequestUrl } from './url.ts'
import type { ParamPair } from '@fastcgi/client'

/** What {@link addAskOptions} makes of the command line. */
export interface AskFlags extends ParamFlags {
  readonly header?: readonly string[]
  readonly user?: string
  readonly cookie?: readonly string[]
  readonly userAgent?: string
  readonly referer?: string
  readonly get?: boolean
  readonly request?: string
}

/**
 * Adds them; what brings the body is noted in the list that is returned, in the order of the command line.
 * @param json Whether `--json` brings a body, and is free for nothing else. @default true
 */
export function addAskOptions(
  command: Command,
  { json = true }: { readonly json?: boolean } = {},
): BodyFlag[] {
  const flags: BodyFlag[] = []
  const body = (option: string, kind: BodyFlag['kind'], description: string): void => {
    command.option(option, description, (value: string) => {
      flags.push({ kind, value })
      return true
    })
  }
  command
    .optionsGroup('Request:')
    .option('-H, --header <line>', "header, as in 'Accept: text/html' (repeatable)", collect)
    .option(
      '-b, --cookie <cookies>',
      'cookies, as in name=value; other=value (repeatable)',
      collect,
    )
    .option('-u, --user <user:password>', 'HTTP Basic credentials')
    .option('-A, --user-agent <name>', 'User-Agent header')
    .option('-e, --referer <url>', 'Referer header')
    .option('-X, --request <method>', 'another method than that of the command')
    .optionsGroup('Body:')
  body('-d, --data <data>', 'data', 'form data; @file without its line ends, @- is stdin')
  body('--data-raw <data>', 'raw', 'form data, in which @ means nothing')
  body('--data-binary <data>', 'binary', 'form data; @file exactly as it is')
  body('--data-urlencode <data>', 'urlencode', 'form data to be encoded: name=content or name@file')
  if (json) body('--json <data>', 'json', 'JSON, with the headers that belong to it; @file')
  body('-F, --form <field>', 'form', 'form field: name=text or name=@file;type=image/png')
  body('--form-string <field>', 'form-string', 'the same, in which @, < and ; mean nothing')
  body('-T, --upload-file <file>', 'file', 'the file as the body; - for stdin')
  command
    .option('-G, --get', 'put the data of -d into the query')
    .optionsGroup('Script:')
    .option('--root <folder>', 'document root as the backend sees it (default: this folder)')
    .option('--script-filename <file>', 'the file to run, whatever the URL says')
    .option('--front-controller <script>', 'for URLs without a .php file (default: /index.php)')
    .option('--param <name=value>', 'another CGI param, or a value for one (repeatable)', collect)
    .option(
      '--unsafe-param <name=value>',
      'the same for PHP_VALUE and its like (repeatable)',
      collect,
    )
  return flags
}

/** A request as it will be sent. */
export interface Ask {
  readonly method: string
  readonly headers: readonly Header[]
  readonly body: Body | undefined
  readonly params: readonly ParamPair[]
}

/** Puts a request together. @throws Failure on what cannot be sent. */
export async function askOf({
  method: named,
  url,
  flags,
  bodyFlags,
  body: given,
  io,
}: {
  readonly method: string
  readonly url: RequestUrl
  readonly flags: AskFlags
  readonly bodyFlags: readonly BodyFlag[]
  /** A body that was read before: stdin can be read only once. */
  readonly body?: Body | undefined
  readonly io: Io
}): Promise<Ask> {
  const method = flags.request ?? named
  const intoQuery = flags.get === true
  const target = intoQuery ? await withQuery(url, bodyFlags, io) : url
  const body = given ?? (intoQuery ? undefined : await bodyFrom(bodyFlags, io))
  const headers = readHeaders(flags.header ?? [], defaultHeaders(target, flags, body))
  const parts = { method, url: target, headers, contentLength: body?.length }
  return { method, headers, body, params: requestParams(parts, flags, io.cwd) }
}

async function withQuery(
  url: RequestUrl,
  bodyFlags: readonly BodyFlag[],
  io: Io,
): Promise<RequestUrl> {
  if (bodyFlags.some(({ kind }) => ['form', 'form-string', 'file', 'json'].includes(kind))) {
    throw new Failure(
      Exit.Usage,
      '-G puts the data of -d into the query; -F, -T and --json have none',
    )
  }
  const query = (await dataOf(bodyFlags, io)).toString().replaceAll(' ', '%20')
  if (query === '') return url
  return { ...url, target: `${url.target}${url.target.includes('?') ? '&' : '?'}${query}` }
}

function defaultHeaders(url: RequestUrl, flags: AskFlags, body: Body | undefined): Header[] {
  const headers: Header[] = [
    ['Host', url.host],
    ['User-Agent', flags.userAgent ?? `fcgi/${VERSION}`],
    ['Accept', body?.contentType === JSON_TYPE ? JSON_TYPE : '*/*'],
  ]
  if (flags.referer !== undefined) headers.push(['Referer', flags.referer])
  if (flags.cookie) headers.push(['Cookie', flags.cookie.join('; ')])
  if (flags.user !== undefined) {
    headers.push(['Authorization', `Basic ${Buffer.from(flags.user).toString('base64')}`])
  }
  if (body?.contentType !== undefined) headers.push(['Content-Type', body.contentType])
  return headers
}
