// The reference of the options, from the documentation comments where they are declared.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { escapeMarkdown } from './cli-page.mjs'
import { ROOT } from './places.mjs'

/** @typedef {{ file: string, name: string, title: string }} Section */

/** @type {readonly Section[]} */
const SECTIONS = [
  { file: 'gateway/src/options.ts', name: 'SiteOptions', title: 'A site' },
  { file: 'gateway/src/options.ts', name: 'GatewayOptions', title: 'The gateway' },
  { file: 'gateway/src/options.ts', name: 'HostOptions', title: '`sites`' },
  { file: 'gateway/src/options.ts', name: 'RouteOptions', title: '`routes`' },
  { file: 'gateway/src/options.ts', name: 'StaticOptions', title: '`static`' },
  { file: 'gateway/src/options.ts', name: 'RequestBodyOptions', title: '`requestBody`' },
  { file: 'gateway/src/options.ts', name: 'ResponseOptions', title: '`response`' },
  { file: 'gateway/src/options.ts', name: 'CompressOptions', title: '`response.compress`' },
  { file: 'gateway/src/options.ts', name: 'AccessLogOptions', title: '`accessLog`' },
  { file: 'gateway/src/server/options.ts', name: 'ServeOptions', title: 'The server' },
  { file: 'gateway/src/server/options.ts', name: 'ListenOptions', title: '`listen`' },
  { file: 'gateway/src/server/options.ts', name: 'TlsOptions', title: '`tls`' },
  { file: 'gateway/src/server/options.ts', name: 'ServerLimits', title: '`limits`' },
  { file: 'client/src/client/options.ts', name: 'PoolOptions', title: 'A pool of connections' },
  {
    file: 'client/src/client/options.ts',
    name: 'ClientOptions',
    title: 'A client, and each connection',
  },
  {
    file: 'client/src/connection/request.ts',
    name: 'RequestTimeouts',
    title: 'Timeouts of a request',
  },
  { file: 'php/src/options.ts', name: 'StartPhpOptions', title: '`php`' },
]

const INTRO = `# Configuration

The same options are given to \`createGateway\` and \`serve\`, and exported by a configuration file: \`fcgi.config.ts\`, \`.mts\`, \`.js\`,
\`.mjs\` or \`.json\`, the first that there is. In a file, paths are relative to it. Times are in ms and sizes in bytes. An option that
is not known is refused by its name.

\`\`\`js [fcgi.config.mjs]
import { defineConfig } from '@fastcgi/gateway'

export default defineConfig({
  root: 'public',
  preset: 'laravel',
  backend: {
    address: 'unix:/run/php/php-fpm.sock',
    connections: 8,
    headersTimeout: 30_000,
  },
  listen: ':8080',
  admin: 9090,
  requestBody: { maxSize: 64 * 1024 * 1024 },
  static: { maxAge: 3600 },
})
\`\`\`

\`fcgi serve --print-config\` prints what a file and the flags come to.
`

/** @param {string} file @returns {ts.SourceFile} */
function parse(file) {
  const text = readFileSync(join(ROOT, 'packages', file), 'utf8')
  return ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
}

/** @param {ts.Node} node @returns {{ text: string, defaultValue?: string, example?: string }} */
function documentation(node) {
  const doc = ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc)
  const tag = (/** @type {string} */ name) =>
    ts.getTextOfJSDocComment(doc?.tags?.find((one) => one.tagName.text === name)?.comment)
  return {
    text: plain(ts.getTextOfJSDocComment(doc?.comment) ?? ''),
    defaultValue: tag('default'),
    example: tag('example'),
  }
}

/** @param {string} text */
function plain(text) {
  return text.replace(/\{@link ([^}]+)\}/g, '`$1`').replace(/\s*\n\s*/g, ' ')
}

/** Escapes what is not code. @param {string} text */
function prose(text) {
  return text
    .split(/(`[^`]*`)/)
    .map((part, at) => (at % 2 ? part : escapeMarkdown(part)))
    .join('')
}

/** @param {string} text looks like a value of JavaScript, not like a sentence */
function isValue(text) {
  return /^(?:\[.*\]|\{.*\}|'.*'|-?[\d_.]+|true|false)(?: \(.*\))?$/.test(text)
}

/** @param {string} text */
function valueOrProse(text) {
  const [, value, rest = ''] =
    /^(\[.*\]|\{.*\}|'[^']*'|-?[\d_]+|true|false)([ ,;].*)?$/s.exec(text) ?? []
  if (value === undefined && !isValue(text)) return prose(text)
  return `\`${value ?? text}\`${prose(rest)}`
}

/** Where the options of an object are. @param {string} type */
function groupLink(type) {
  const group = SECTIONS.find(({ name }) => new RegExp(`\\b${name}\\b`).test(type))
  return group ? `, see [${group.title}](#${idOf(group.title)})` : ''
}

/** Unlike that of the option of the same name, where there is one. @param {string} title */
function idOf(title) {
  const slug = title.replaceAll('`', '').replace(/\W+/g, '-').toLowerCase()
  return title.startsWith('`') ? `all-${slug}` : slug
}

/** @param {ts.PropertySignature} property @param {ts.SourceFile} source */
function optionPart(property, source) {
  const name = property.name.getText(source)
  const type = (property.type?.getText(source) ?? 'unknown')
    .replace(/\s+/g, ' ')
    .replace(/^\| /, '')
    .replace(/ \| undefined$/, '')
    .replaceAll('readonly ', '')
  const { text, defaultValue, example } = documentation(property)
  const required = property.questionToken ? '' : ' Required.'
  return [
    `### ${name}`,
    `\`${type}\`${groupLink(type)}`,
    text && `${prose(plain(text))}${required}`,
    defaultValue && `**Default:** ${valueOrProse(plain(defaultValue))}`,
    example && `**Example:** \`${plain(example)}\``,
  ]
    .filter(Boolean)
    .join('\n\n')
}

/** @param {Section} section */
function sectionPart({ file, name, title }) {
  const source = parse(file)
  const declaration = source.statements.find(
    (node) => ts.isInterfaceDeclaration(node) && node.name.text === name,
  )
  if (!declaration || !ts.isInterfaceDeclaration(declaration)) {
    throw new Error(`${file} declares no interface ${name}`)
  }
  const more = declaration.heritageClauses?.flatMap(({ types }) =>
    types.map((type) => type.getText(source)),
  )
  const properties = declaration.members.filter(ts.isPropertySignature)
  return [
    title.startsWith('`') ? `## ${title} {#${idOf(title)}}` : `## ${title}`,
    `${prose(documentation(declaration).text)} Its type is \`${name}\`${more ? `, which has all of \`${more.join('`, `')}\` as well` : ''}.`,
    ...properties.map((property) => optionPart(property, source)),
  ].join('\n\n')
}

export function configurationPage() {
  const outline =
    '---\ndescription: Every option of the gateway, the server, a pool of connections, and PHP.\noutline: 2\npageClass: options\n---\n'
  return `${[outline, INTRO, ...SECTIONS.map(sectionPart)].join('\n')}\n`
}
