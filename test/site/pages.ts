// The pages of the web site as they were written, and the blocks of code in them.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/paths.ts'

export const WEBSITE: string = join(ROOT, 'website')
const CONTENT = join(WEBSITE, 'content')

/** A block of code of a page. */
export interface Block {
  /** Page and line, for messages. */
  readonly where: string
  /** A name for a file, unlike that of any other block. */
  readonly name: string
  readonly language: string
  /** The name of a file, when the block is one. */
  readonly title: string
  readonly code: string
  /** What is declared elsewhere: the comment `with:` ahead of the block. */
  readonly context: string
  /** What it prints, when it is run: the comment `run:` ahead of it; undefined when it is not. */
  readonly prints: string | undefined
}

/** Paths below the folder of the pages, without those that typedoc writes. */
export function pagePaths(): string[] {
  return readdirSync(CONTENT, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.startsWith('api'))
    .toSorted()
}

/** @param path Below the folder of the pages. */
export function pageText(path: string): string {
  return readFileSync(join(CONTENT, path), 'utf8')
}

const FENCE = /^```(?<language>\w*)(?: \[(?<title>[^\]]+)\])?$\n(?<code>[^]*?)^```$/gm
const COMMENT = /<!-- (run|with)(?:: ((?:(?!-->)[^])*))? -->\s*$/

/** Every block of code of every page. */
export function blocks(): Block[] {
  return pagePaths().flatMap((path) => {
    const text = pageText(path)
    return [...text.matchAll(FENCE)].map((match) => blockAt(path, text, match))
  })
}

function blockAt(path: string, text: string, { index, groups = {} }: RegExpMatchArray): Block {
  const { language = '', title = '', code = '' } = groups
  const before = text.slice(0, index)
  const line = before.split('\n').length
  const [, kind, words = ''] = COMMENT.exec(before) ?? []
  return {
    where: `${path}:${line}`,
    name: `${path.replace(/\.md$/, '').replace(/\W/g, '-')}-${line}`,
    language,
    title,
    code,
    context: kind === 'with' ? words : '',
    prints: kind === 'run' ? words : undefined,
  }
}

/** The programs of a package's README that import one of its doors. */
export function readmeBlocks(folder: string, door: string): Block[] {
  const path = join(folder, 'README.md')
  const text = readFileSync(join(ROOT, path), 'utf8')
  return [...text.matchAll(FENCE)]
    .map((match) => blockAt(path, text, match))
    .filter(({ language, code }) => language === 'ts' && code.includes(`/${door}'`))
}

/** Blocks in one of these languages. */
export function blocksIn(...languages: readonly string[]): Block[] {
  return blocks().filter(({ language }) => languages.includes(language))
}
