// What the pages do beyond links and forms. Each works without it, but for what only a script can do.

const SIZES = ['KiB', 'MiB', 'GiB']

/** @param {number} count */
function bytes(count) {
  if (count < 1024) return `${count} bytes`
  const power = Math.min(3, Math.floor(Math.log2(count) / 10))
  return `${Math.round((count / 1024 ** power) * 10) / 10} ${SIZES[power - 1]}`
}

/** @param {string} name @param {Record<string, string>} attributes @param {(string | Node)[]} children */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

/**
 * A listener that may wait. What it throws becomes an error of the page, as with any other.
 * @param {EventTarget} target @param {string} type @param {(event: any) => Promise<void>} work
 */
function on(target, type, work) {
  target.addEventListener(type, (event) => {
    work(event).catch(reportError)
  })
}

/** @param {boolean | undefined} isGood @param {string} text */
function verdict(isGood, text) {
  const kind = isGood === undefined ? '' : isGood ? ' good' : ' bad'
  return element('p', { class: `verdict${kind}` }, text)
}

/** @param {Record<string, string>} rows */
function list(rows) {
  const pairs = Object.entries(rows).flatMap(([name, value]) => [
    element('dt', {}, name),
    element('dd', {}, value),
  ])
  return element('dl', {}, ...pairs)
}

/** @param {Blob} blob @returns {Promise<string | undefined>} undefined where a browser does not hash: without HTTPS, or on another host */
async function sha256(blob) {
  if (!globalThis.crypto?.subtle) return undefined
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @param {string | undefined} here @param {string} there */
function compared(here, there) {
  if (here === undefined) return verdict(undefined, 'This browser hashes on HTTPS only.')
  return here === there
    ? verdict(true, 'Every byte is the same on both sides.')
    : verdict(false, 'PHP received other bytes than were sent.')
}

/** @param {HTMLElement} form */
function upload(form) {
  const result = form.querySelector('.result')
  const progress = form.querySelector('.progress')
  const bar = form.querySelector('progress')
  const label = form.querySelector('.progress label')
  const button = form.querySelector('button')

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const file = form.elements.namedItem('file').files[0]
    if (!file) return
    const request = new XMLHttpRequest()
    request.open('POST', form.action)
    request.setRequestHeader('Accept', 'application/json')
    request.responseType = 'json'
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      bar.max = total
      bar.value = loaded
      label.textContent = `${bytes(loaded)} of ${bytes(total)} sent`
    })
    on(request, 'loadend', async () => {
      button.disabled = false
      result.replaceChildren(...(await outcome(request, file)))
    })
    button.disabled = true
    progress.hidden = false
    result.replaceChildren()
    request.send(new FormData(form))
  })
}

/** @param {XMLHttpRequest} request @param {File} file */
async function outcome(request, file) {
  const said = request.response
  if (!said?.sha256) {
    return [verdict(false, said?.error ?? `The upload failed (status ${request.status}).`)]
  }
  return [
    compared(await sha256(file), said.sha256),
    list({ Name: said.name, Type: said.type, Size: bytes(said.size), 'SHA-256': said.sha256 }),
  ]
}

/** @param {HTMLElement} panel */
function raw(panel) {
  const result = panel.querySelector('.result')

  /** @param {number} size */
  async function send(size) {
    const parts = Array.from({ length: size / 65_536 }, () =>
      crypto.getRandomValues(new Uint8Array(65_536)),
    )
    const body = new Blob(parts)
    const start = performance.now()
    const response = await fetch(panel.dataset.raw, { method: 'PUT', body })
    if (!response.ok) return [verdict(false, `The server said ${response.status}.`)]
    const said = await response.json()
    const time = `${Math.round(performance.now() - start)} ms`
    return [
      compared(await sha256(body), said.sha256),
      list({ Size: bytes(said.size), 'SHA-256': said.sha256, Time: time }),
    ]
  }

  on(panel, 'click', async ({ target }) => {
    const size = Number(target.dataset.size)
    if (!size) return
    result.replaceChildren(`Sending ${bytes(size)} …`)
    result.replaceChildren(
      ...(await send(size).catch(() => [verdict(false, 'The connection broke.')])),
    )
  })
}

/** @param {HTMLFormElement} form */
function events(form) {
  const result = form.querySelector('.result')
  const log = form.querySelector('.events')
  const stop = form.querySelector('[data-stop]')
  const start = form.querySelector('button')
  /** @type {EventSource | undefined} */
  let source

  /** @param {string} text */
  function end(text) {
    source?.close()
    start.disabled = false
    stop.disabled = true
    result.textContent = text
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    log.replaceChildren()
    start.disabled = true
    stop.disabled = false
    result.textContent = 'Listening …'
    source = new EventSource(`${form.action}?count=${form.elements.namedItem('count').value}`)
    source.addEventListener('message', ({ data }) => {
      const { number, time, process } = JSON.parse(data)
      const cells = [number, time, `from process ${process}`]
      log.prepend(element('li', {}, ...cells.map((text) => element('span', {}, `${text}`))))
    })
    source.addEventListener('end', () => end('PHP has said all of it.'))
    source.addEventListener('error', () => {
      if (source?.readyState === EventSource.CLOSED) end('The stream could not be opened.')
      else result.textContent = 'The connection broke; trying again …'
    })
  })

  on(stop, 'click', async () => {
    end('You have stopped. Waiting for PHP to notice …')
    const last = await streamEnd(form.dataset.last)
    if (!start.disabled) {
      result.textContent = last
        ? `You have stopped, and PHP with you: after ${last.sent} of ${last.of} events it saw that nobody listens.`
        : 'You have stopped. PHP goes on until it notices, or until all is said.'
    }
  })
}

/** @param {string} url @returns {Promise<{ sent: number, of: number } | null>} null when PHP still goes on after some seconds */
async function streamEnd(url) {
  for (let attempt = 0; attempt < 20; attempt++) {
    const response = await fetch(url)
    const said = response.ok ? await response.json() : null
    if (said) return said
    await new Promise((resolve) => {
      setTimeout(resolve, 250)
    })
  }
  return null
}

/** @param {HTMLElement} panel */
function failure(panel) {
  const result = panel.querySelector('.result')
  const button = panel.querySelector('button')
  button.hidden = false
  on(button, 'click', async () => {
    button.disabled = true
    result.className = 'result'
    result.textContent = 'Asking …'
    const { isGood, text } = await answer(panel.dataset.try)
    result.classList.add(isGood ? 'good' : 'bad')
    result.textContent = text
    button.disabled = false
  })
}

/** @param {string} url */
async function answer(url) {
  const start = performance.now()
  try {
    const response = await fetch(url, { cache: 'no-store' })
    const { size } = await response.blob()
    const time = Math.round(performance.now() - start)
    return {
      isGood: response.ok,
      text: `Status ${response.status}, a whole answer of ${bytes(size)}, after ${time} ms.`,
    }
  } catch {
    return { isGood: false, text: 'The answer broke off: your browser knows that it is not whole.' }
  }
}

/** @param {HTMLElement} button */
function range(button) {
  button.hidden = false
  on(button, 'click', async () => {
    const headers = { Range: 'bytes=0-99' }
    const response = await fetch(button.dataset.range, { headers, cache: 'no-store' })
    const { size } = await response.blob()
    const said = response.headers.get('Content-Range') ?? 'no Content-Range'
    const result = button.closest('.panel').querySelector('.result')
    result.textContent = `Status ${response.status}, ${bytes(size)}: ${said}.`
  })
}

const PARTS = {
  '[data-upload]': upload,
  '[data-raw]': raw,
  '[data-events]': events,
  '[data-try]': failure,
  '[data-range]': range,
}
for (const [selector, start] of Object.entries(PARTS)) {
  for (const part of document.querySelectorAll(selector)) start(part)
}
