// The site: its navigation, and how its pages are made. Nothing is loaded from anywhere else.

import { cpSync, existsSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { defineConfig, type DefaultTheme, type HeadConfig } from 'vitepress'
import { firstSentence } from '../scripts/first-sentence.mjs'
import { BASE, HOST, OUT } from '../scripts/places.mjs'

/** Written by typedoc; empty until `npm run generate` ran. */
function apiSidebar(): DefaultTheme.SidebarItem[] {
  const file = new URL('../content/api/typedoc-sidebar.json', import.meta.url)
  if (!existsSync(file)) return []
  return JSON.parse(readFileSync(file, 'utf8')) as DefaultTheme.SidebarItem[]
}

const guide: DefaultTheme.SidebarItem[] = [
  {
    text: 'Guide',
    items: [
      { text: 'Getting started', link: '/guide/getting-started' },
      { text: 'Coming from nginx', link: '/guide/migration' },
      { text: 'Runtimes', link: '/guide/runtimes' },
      { text: 'Connections', link: '/guide/connections' },
      { text: 'HTTP and CGI', link: '/guide/http' },
      { text: 'Streaming and uploads', link: '/guide/streaming' },
      { text: 'Errors and timeouts', link: '/guide/errors' },
      { text: 'Testing', link: '/guide/testing' },
    ],
  },
  {
    text: 'In production',
    items: [
      { text: 'php-fpm', link: '/guide/php-fpm' },
      { text: 'The server', link: '/guide/server' },
      { text: 'OpenTelemetry', link: '/guide/opentelemetry' },
      { text: 'Containers', link: '/guide/containers' },
      { text: 'Kubernetes', link: '/guide/kubernetes' },
    ],
  },
  {
    text: 'Frameworks',
    items: [
      { text: 'node:http', link: '/frameworks/node-http' },
      { text: 'Express', link: '/frameworks/express' },
      { text: 'Fastify', link: '/frameworks/fastify' },
      { text: 'Koa', link: '/frameworks/koa' },
      { text: 'Hono', link: '/frameworks/hono' },
      { text: 'h3', link: '/frameworks/h3' },
      { text: 'fetch and undici', link: '/frameworks/undici' },
      { text: 'Vite', link: '/frameworks/vite' },
    ],
  },
  {
    text: 'Applications',
    items: [
      { text: 'WordPress', link: '/applications/wordpress' },
      { text: 'Laravel', link: '/applications/laravel' },
      { text: 'Symfony', link: '/applications/symfony' },
      { text: 'Old beside new', link: '/applications/legacy' },
    ],
  },
  {
    text: 'Help',
    items: [
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'Comparison', link: '/comparison' },
      { text: 'Questions', link: '/faq' },
    ],
  },
]

const reference: DefaultTheme.SidebarItem[] = [
  {
    text: 'Reference',
    items: [
      { text: 'Command line', link: '/reference/cli' },
      { text: 'Configuration', link: '/reference/configuration' },
      { text: 'Benchmarks', link: '/benchmarks' },
      { text: 'API', link: '/api/' },
    ],
  },
]

const themeConfig: DefaultTheme.Config = {
  logo: { src: '/logo.svg', alt: '' },
  nav: [
    {
      text: 'Guide',
      link: '/guide/getting-started',
      activeMatch: '^/(guide|frameworks|applications)/',
    },
    { text: 'Troubleshooting', link: '/troubleshooting' },
    { text: 'Comparison', link: '/comparison' },
    {
      text: 'Reference',
      activeMatch: '^/(reference|api|benchmarks)',
      items: [
        { text: 'Command line', link: '/reference/cli' },
        { text: 'Configuration', link: '/reference/configuration' },
        { text: 'API', link: '/api/' },
        { text: 'Benchmarks', link: '/benchmarks' },
      ],
    },
  ],
  sidebar: {
    '/api/': [...reference, { text: 'API', items: apiSidebar() }],
    '/reference/': reference,
    '/benchmarks': reference,
    '/': guide,
  },
  outline: { level: [2, 3] },
  search: { provider: 'local' },
  footer: {
    message: `MIT licence. For php-fpm and every other FastCGI backend. For language models: <a href="${BASE}llms.txt">llms.txt</a>.`,
  },
  notFound: {
    title: 'There is no such page',
    quote: 'It may have moved. The search above knows every page, and every error message.',
    linkText: 'To the home page',
  },
}

/** What a page says of itself to those who link to it. */
function headOf(page: string, title: string, description: string): HeadConfig[] {
  const head: HeadConfig[] = [
    ['meta', { property: 'og:type', content: 'website' }],
    ['meta', { property: 'og:site_name', content: 'FastCGI for TypeScript' }],
    ['meta', { property: 'og:title', content: title }],
    ['meta', { property: 'og:description', content: description }],
  ]
  if (HOST === undefined || page === '404.md') return head
  const path = page.replace(/(?:^|(?<=\/))index\.md$/, '').replace(/\.md$/, '.html')
  const url = new URL(BASE + path, HOST).href
  return [
    ...head,
    ['meta', { property: 'og:url', content: url }],
    ['link', { rel: 'canonical', href: url }],
  ]
}

export default defineConfig({
  srcDir: 'content',
  base: BASE,
  outDir: OUT,
  lang: 'en',
  title: 'FastCGI for TypeScript',
  description: 'Everything between JavaScript and PHP: a gateway, a client, and a command line.',
  head: [
    ['link', { rel: 'icon', type: 'image/svg+xml', href: `${BASE}logo.svg` }],
    ['meta', { name: 'color-scheme', content: 'light dark' }],
  ],
  ...(HOST === undefined ? {} : { sitemap: { hostname: new URL(BASE, HOST).href } }),
  transformPageData(page, { siteConfig: { srcDir } }) {
    if (
      page.isNotFound === true ||
      page.frontmatter['layout'] === 'page' ||
      page.frontmatter['description']
    )
      return undefined
    const isApi = page.relativePath.startsWith('api/')
    if (isApi) return { description: `Every export of ${page.title}, with its types.` }
    const text = readFileSync(`${srcDir}/${page.relativePath}`, 'utf8')
    return { description: firstSentence(text) || page.title }
  },
  transformHead: ({ page, title, description }) => headOf(page, title, description),
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(markdown) {
      // A wide table scrolls by itself, so the keyboard must reach it.
      markdown.renderer.rules['table_open'] = () =>
        '<div class="table" tabindex="0" role="group" aria-label="Table"><table>'
      markdown.renderer.rules['table_close'] = () => '</table></div>'
      // A block that is a file shows its name, as tabs do.
      const fence = markdown.renderer.rules.fence
      markdown.renderer.rules.fence = (tokens, index, ...rest) => {
        // Rendering takes the name out.
        const [, name] = /\[([^\]]+)\]$/.exec(tokens[index]?.info.trim() ?? '') ?? []
        const block = fence?.(tokens, index, ...rest) ?? ''
        const around = tokens.slice(0, index).findLast(({ type }) => type.includes('code-group'))
        if (name === undefined || around?.type.endsWith('_open') === true) return block
        return `<div class="file">${markdown.utils.escapeHtml(name)}</div>${block}`
      }
    },
  },
  themeConfig,
  // llms.txt names the pages as they were written.
  buildEnd({ srcDir, outDir }) {
    cpSync(srcDir, outDir, {
      recursive: true,
      filter: (path) => !path.includes('/public') && ['', '.md'].includes(extname(path)),
    })
  },
})
