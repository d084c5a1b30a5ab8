// What a page is about, in its own words.

/** @param {string} text Markdown @returns {string} its first paragraph, as plain text */
export function firstParagraph(text) {
  const paragraph = /^(?![#>`|<\-:*!])\S.+(?:\n\S.+)*/m.exec(withoutCode(text))?.[0] ?? ''
  return paragraph
    .replaceAll('\n', ' ')
    .replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replace(/\*\*|(?<!\w)_|_(?!\w)/g, '')
}

/** @param {string} text */
function withoutCode(text) {
  return withoutComments(text).replace(/^```[\s\S]*?^```$/gm, '')
}

/** @param {string} text Markdown @returns {string} the first sentence of its first paragraph, without marks */
export function firstSentence(text) {
  const paragraph = firstParagraph(text).replaceAll('`', '')
  return /^.*?[.:](?= |$)/.exec(paragraph)?.[0].replace(/:$/, '.') ?? paragraph
}

/** @param {string} text Markdown @returns {string | undefined} what its front matter says of it */
export function describedAs(text) {
  return /^---\n[\s\S]*?^description: '?(.+?)'?$[\s\S]*?^---$/m
    .exec(text)?.[1]
    ?.replaceAll("''", "'")
}

/** @param {string} text */
export function withoutComments(text) {
  return text
    .replace(/^---\n[\s\S]*?\n---\n/, '')
    .replace(/^<!--[\s\S]*?-->\n+/gm, '')
    .trim()
}
