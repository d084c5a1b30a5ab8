// What a person (or a program) gets to see of a failure: the status in words, what to do, and nothing of the inside.

import type { HeaderFields } from './http.ts'

/** What a failure looks like from outside. */
export interface Failure {
  readonly status: number
  /** Quoted by who asks for help, and found in the log. */
  readonly reference?: string | undefined
  /** In seconds. */
  readonly retryAfter?: number | undefined
  /** Only in development: what went wrong, and what PHP wrote to stderr. */
  readonly details?: string | undefined
}

interface Words {
  readonly title: string
  readonly text: string
}

const WORDS: Readonly<Record<number, Words>> = {
  400: {
    title: 'Bad request',
    text: 'The browser sent a request that this server does not understand.',
  },
  403: { title: 'Not allowed', text: 'This address may not be opened.' },
  404: {
    title: 'Page not found',
    text: 'There is nothing at this address. Was it typed correctly?',
  },
  405: { title: 'Method not allowed', text: 'This address does not take that kind of request.' },
  408: { title: 'Too slow', text: 'The upload stood still for too long. Please try again.' },
  413: { title: 'Too large', text: 'What was uploaded is larger than this server accepts.' },
  421: { title: 'Wrong server', text: 'This server does not answer for that host name.' },
  431: {
    title: 'Too many headers',
    text: 'The browser sent more than this server accepts. Deleting the cookies of this site may help.',
  },
  500: {
    title: 'Something went wrong',
    text: 'The application failed. If it goes on, tell those who run this site.',
  },
  502: {
    title: 'Bad gateway',
    text: 'The application gave no usable answer. Please try again in a moment.',
  },
  503: {
    title: 'Busy',
    text: 'There is more to do than this server can do at the moment. Please try again soon.',
  },
  504: {
    title: 'Too slow',
    text: 'The application took too long to answer. Please try again in a moment.',
  },
  507: { title: 'No room', text: 'This server has no room left for what was uploaded.' },
}

const OTHER: Words = { title: 'Error', text: 'This request could not be answered.' }

/**
 * The head and body of an error page: HTML, or JSON (RFC 9457) or plain text where `Accept` asks for it.
 * @param accept The Accept field; none means anything.
 */
export function errorPage(
  failure: Failure,
  accept: string | undefined,
): { headers: HeaderFields; body: Uint8Array } {
  const { type, text } = representation(failure, accept)
  const headers: [string, string][] = [
    ['content-type', type],
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
    ['vary', 'accept'],
  ]
  if (failure.retryAfter !== undefined) headers.push(['retry-after', String(failure.retryAfter)])
  return { headers, body: new TextEncoder().encode(text) }
}

function representation(
  failure: Failure,
  accept = '*/*',
): { readonly type: string; readonly text: string } {
  const words = WORDS[failure.status] ?? OTHER
  const kind = /text\/html|application\/xhtml/i.test(accept)
    ? 'html'
    : /json/i.test(accept)
      ? 'json'
      : 'text'
  if (kind === 'json') return { type: 'application/problem+json', text: problem(failure, words) }
  if (kind === 'text') return { type: 'text/plain; charset=utf-8', text: plain(failure, words) }
  return { type: 'text/html; charset=utf-8', text: html(failure, words) }
}

function problem({ status, reference, details }: Failure, { title, text }: Words): string {
  return `${JSON.stringify({ title, status, detail: text, reference, details })}\n`
}

function plain({ status, reference, details }: Failure, { title, text }: Words): string {
  const lines = [`${status} ${title}`, text]
  if (reference !== undefined) lines.push(`Reference: ${reference}`)
  if (details) lines.push('', details)
  return `${lines.join('\n')}\n`
}

const STYLE = `:root{color-scheme:light dark;--ink:#1d2330;--dim:#667085;--paper:#f7f8fa;--line:#e3e6ec;--mark:#b4371f}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaf0;--dim:#98a1b3;--paper:#14171e;--line:#2a303c;--mark:#ff9c7d}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-content:center;padding:2rem;background:var(--paper);color:var(--ink);font:1.05rem/1.6 system-ui,sans-serif}
main{max-width:42rem}p{margin:.4rem 0}.status{color:var(--mark);font:600 .9rem/1 ui-monospace,monospace;letter-spacing:.08em}
h1{margin:.5rem 0 .75rem;font-size:2rem;line-height:1.15}small{color:var(--dim);font-family:ui-monospace,monospace}
pre{margin:1.5rem 0 0;padding:1rem;max-width:min(80rem,90vw);overflow:auto;border:1px solid var(--line);border-radius:.5rem;font:.85rem/1.5 ui-monospace,monospace;white-space:pre-wrap}`

function html({ status, reference, details }: Failure, { title, text }: Words): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${status} ${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="status">${status}</p>
<h1>${title}</h1>
<p>${text}</p>
${reference === undefined ? '' : `<p><small>Reference ${escapeHtml(reference)}</small></p>\n`}${
    details ? `<pre>${escapeHtml(details)}</pre>\n` : ''
  }</main>
</body>
</html>
`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char]!)
}
