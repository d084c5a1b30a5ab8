// Request bodies in curl's spelling: -d and its like, -F, -T, --json.

import { Exit, Failure } from '../failure.ts'
import type { Io } from '../io.ts'
import { openFile, readWhole, sizeOf, type Body, type BodyFlag } from './files.ts'
import { multipart } from './multipart.ts'

/** @returns undefined when no option brings a body. @throws Failure on files that cannot be read, and on options that exclude each other. */
export async function bodyFrom(flags: readonly BodyFlag[], io: Io): Promise<Body | undefined> {
  const groups = new Set(flags.map(({ kind }) => GROUPS[kind]))
  if (groups.size > 1) {
    throw new Failure(Exit.Usage, `a request has one body: ${[...groups].join(' or ')}, not both`)
  }
  const [first] = flags
  if (!first) return undefined
  switch (GROUPS[first.kind]) {
    case '-F':
      return multipart(flags, io)
    case '-T':
      return fileBody(flags.at(-1)!.value, undefined, io)
    case '--json':
      return bytesBody(Buffer.concat(await allOf(flags, io)), JSON_TYPE)
    default:
      return dataBody(flags, io)
  }
}

const GROUPS = {
  data: '-d',
  raw: '-d',
  binary: '-d',
  urlencode: '-d',
  json: '--json',
  form: '-F',
  'form-string': '-F',
  file: '-T',
} as const

/** What `--json` sends, and asks for. */
export const JSON_TYPE = 'application/json'
const FORM = 'application/x-www-form-urlencoded'

async function dataBody(flags: readonly BodyFlag[], io: Io): Promise<Body> {
  const [first] = flags
  // A lone file is sent as it is read, whatever its size.
  if (flags.length === 1 && first?.kind === 'binary' && /^@(?!-$)/.test(first.value)) {
    return fileBody(first.value.slice(1), FORM, io)
  }
  return bytesBody(await dataOf(flags, io), FORM)
}

/** Pieces of `-d`, joined by `&`. */
export async function dataOf(flags: readonly BodyFlag[], io: Io): Promise<Buffer> {
  const pieces = await allOf(flags, io)
  return Buffer.concat(pieces.flatMap((piece, at) => (at === 0 ? [piece] : [AMPERSAND, piece])))
}

const AMPERSAND = Buffer.from('&')

async function allOf(flags: readonly BodyFlag[], io: Io): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  for (const flag of flags) pieces.push(await pieceOf(flag, io))
  return pieces
}

async function pieceOf({ kind, value }: BodyFlag, io: Io): Promise<Buffer> {
  if (kind === 'urlencode') return urlencoded(value, io)
  if (kind === 'raw' || !value.startsWith('@')) return Buffer.from(value)
  const content = await readWhole(value.slice(1), io)
  if (kind !== 'data') return content
  return Buffer.from(content.filter((byte) => byte !== 0x0a && byte !== 0x0d && byte !== 0))
}

/** `content`, `=content`, `name=content`, `@file` or `name@file`. */
async function urlencoded(value: string, io: Io): Promise<Buffer> {
  const [, name = '', mark, rest = ''] = /^([^=@]*)([=@])(.*)$/s.exec(value) ?? []
  if (mark === undefined) return Buffer.from(encodeURIComponent(value))
  const content = mark === '@' ? (await readWhole(rest, io)).toString() : rest
  return Buffer.from(`${name === '' ? '' : `${name}=`}${encodeURIComponent(content)}`)
}

async function fileBody(name: string, contentType: string | undefined, io: Io): Promise<Body> {
  const length = name === '-' ? undefined : await sizeOf(name, io)
  // What can be read once only must be kept to be sent again, and its length is needed first anyhow.
  if (length === undefined) return bytesBody(await readWhole(name, io), contentType)
  return { length, contentType, open: () => openFile(name, io) }
}

export function bytesBody(content: Buffer, contentType: string | undefined): Body {
  return { length: content.length, contentType, open: () => content }
}
