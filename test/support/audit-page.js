// Runs in the browser, in every page of a test: what a person who cannot see, point or hear would stumble over, as sentences.

/** WCAG 2.2, 1.4.3: the least contrast of text with what is behind it, and the same for large text. */
const CONTRAST = 4.5
const CONTRAST_LARGE = 3

/** @returns {string[]} */
function structure() {
  const levels = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((h) =>
    Number(h.tagName[1]),
  )
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  const rules = {
    'the page has no language': document.documentElement.lang === '',
    'the page has no title': document.title.trim() === '',
    'there is not exactly one <h1>': levels.filter((level) => level === 1).length !== 1,
    'a level of headings is left out': levels.some(
      (level, at) => level > (levels[at - 1] ?? 0) + 1,
    ),
    'there is not exactly one <main>': document.querySelectorAll('main').length !== 1,
    'an id is there twice': new Set(ids).size !== ids.length,
    'the page is wider than the window': document.documentElement.scrollWidth > innerWidth,
  }
  return Object.keys(rules).filter((name) => rules[name])
}

/** @param {Element} element */
function nameOf(element) {
  const by = (element.getAttribute('aria-labelledby') ?? '').split(' ').filter(Boolean)
  const texts = [
    element.getAttribute('aria-label'),
    ...by.map((id) => document.getElementById(id)?.textContent),
    ...Array.from(element.labels ?? [], (label) => label.textContent),
    element.matches('a, button') ? element.textContent : '',
    ...Array.from(element.querySelectorAll('img'), (image) => image.alt),
  ]
  return texts.join('').trim()
}

/** @returns {string[]} */
function names() {
  const wanted =
    'a, button, input:not([type=hidden]), textarea, select, progress, nav, [role=region]'
  const nameless = [...document.querySelectorAll(wanted)].filter((element) => !nameOf(element))
  const images = [...document.images].filter((image) => !image.hasAttribute('alt'))
  const pointers = ['aria-labelledby', 'aria-describedby'].flatMap((attribute) =>
    [...document.querySelectorAll(`[${attribute}]`)].filter(
      (element) => !document.getElementById(element.getAttribute(attribute)),
    ),
  )
  return [
    ...nameless.map((element) => `no name: ${element.outerHTML}`),
    ...images.map((image) => `no alt: ${image.outerHTML}`),
    ...pointers.map((element) => `points at nothing: ${element.outerHTML}`),
  ]
}

/** @param {string} color as the browser computes it @returns {number[]} red, green, blue and alpha, the first three 0 to 255 */
function channels(color) {
  const numbers = (color.match(/[\d.]+/g) ?? []).map(Number)
  return [...numbers.slice(0, 3), numbers[3] ?? 1]
}

/** @param {number[]} rgb */
function luminance(rgb) {
  const [red, green, blue] = rgb.map((value) => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** @param {Element | null} element @returns {number[]} the first color behind it that nothing shows through */
function behind(element) {
  for (let at = element; at; at = at.parentElement) {
    const [red, green, blue, alpha] = channels(getComputedStyle(at).backgroundColor)
    if (alpha === 1) return [red, green, blue]
  }
  return [255, 255, 255]
}

/** @param {Element} element */
function contrast(element) {
  const text = luminance(channels(getComputedStyle(element).color).slice(0, 3))
  const ground = luminance(behind(element))
  return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05)
}

/** @returns {string[]} */
function contrasts() {
  const hasText = (element) =>
    [...element.childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim() !== '')
  const seen = [...document.body.querySelectorAll('*')].filter(
    (element) => hasText(element) && element.checkVisibility() && !element.matches(':disabled'),
  )
  return seen.flatMap((element) => {
    const wanted = parseFloat(getComputedStyle(element).fontSize) >= 24 ? CONTRAST_LARGE : CONTRAST
    const ratio = contrast(element)
    const text = element.textContent.trim().slice(0, 40)
    return ratio < wanted ? [`contrast of ${ratio.toFixed(2)}: ${text}`] : []
  })
}

globalThis.auditPage = () => [...structure(), ...names(), ...contrasts()]
