// The site: its navigation, and how its pages are made. Nothing is loaded from anywhere else.

import { cpSync, existsSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { defineConfig, type DefaultTheme } from 'vitepress'

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
    { text: 'Guide', link: '/guide/getting-started', activeMatch: '^/guide/' },
    { text: 'Troubleshooting', link: '/troubleshooting' },
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
  footer: { message: 'MIT licence. For php-fpm and every other FastCGI backend.' },
}

export default defineConfig({
  srcDir: 'content',
  // A folder of a host, such as `/fastcgi/`, for hosts that serve several sites.
  base: process.env['DOCS_BASE'] ?? '/',
  lang: 'en',
  title: 'FastCGI for TypeScript',
  description: 'Everything between JavaScript and PHP: a gateway, a client, and a command line.',
  head: [
    ['link', { rel: 'icon', type: 'image/svg+xml', href: '/logo.svg' }],
    ['meta', { name: 'color-scheme', content: 'light dark' }],
  ],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(markdown) {
      // A wide table scrolls by itself, so the keyboard must reach it.
      markdown.renderer.rules['table_open'] = () =>
        '<div class="table" tabindex="0" role="group" aria-label="Table"><table>'
      markdown.renderer.rules['table_close'] = () => '</table></div>'
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
