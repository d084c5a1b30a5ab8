// TypeScript as a row of tokens: comments gone, strings told from code. Not a parser, and enough to
// find imports, exports and forbidden words without mistaking a comment for code.

/**
 * @typedef {object} Token
 * @property {'word' | 'string' | 'punct'} kind
 * @property {string} text a string's text is what stands between its quotes
 * @property {number} line counted from 1
 */

/** A word after which `/` begins a regular expression: nothing can be divided there. */
const BEFORE_REGEX = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'do',
  'else',
  'void',
  'yield',
])

/** Sticky, so that each is tried at one place only. Order matters: comments before punctuation. */
const PATTERNS = {
  space: /\s+/y,
  comment: /\/\/[^\n]*|\/\*[^]*?\*\//y,
  word: /[#@]?[\p{ID_Start}$_][\p{ID_Continue}$]*/uy,
  number: /\d[\w.]*/y,
  string: /'((?:[^'\\\n]|\\[^])*)'|"((?:[^"\\\n]|\\[^])*)"/y,
  regex: /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y,
}

/**
 * @param {string} source
 * @returns {Token[]}
 */
export function tokenize(source) {
  return new Tokenizer(source).tokens()
}

class Tokenizer {
  /** @type {Token[]} */
  #tokens = []
  #at = 0
  #line = 1
  /** Open braces per open template substitution: `${ … { } … }` ends at the brace that balances. */
  #braces = [0]
  #source

  /** @param {string} source */
  constructor(source) {
    this.#source = source
  }

  tokens() {
    while (this.#at < this.#source.length) this.#next()
    return this.#tokens
  }

  #next() {
    if (this.#take('space') || this.#take('comment')) return
    const word = this.#take('word')
    if (word) return this.#push('word', word[0])
    if (this.#take('number')) return this.#push('punct', '0')
    const string = this.#take('string')
    if (string) return this.#push('string', string[1] ?? string[2] ?? '')
    if (this.#mayBeRegex() && this.#take('regex')) return this.#push('string', '')
    this.#punctuation(this.#source[this.#at] ?? '')
  }

  /** @param {string} character */
  #punctuation(character) {
    this.#at++
    const depth = this.#braces.length - 1
    if (character === '`') return this.#template()
    if (character === '{') this.#braces[depth] = (this.#braces[depth] ?? 0) + 1
    if (character === '}') {
      if (depth > 0 && this.#braces[depth] === 0) {
        this.#braces.pop()
        return this.#template()
      }
      this.#braces[depth] = (this.#braces[depth] ?? 0) - 1
    }
    this.#push('punct', character)
  }

  /** The text of a template up to its end or to the next substitution. */
  #template() {
    const start = this.#at
    while (this.#at < this.#source.length) {
      const character = this.#source[this.#at]
      if (character === '\\') this.#at++
      else if (character === '`') break
      else if (character === '$' && this.#source[this.#at + 1] === '{') break
      this.#at++
    }
    const text = this.#source.slice(start, this.#at)
    this.#push('string', text)
    this.#line += lines(text)
    if (this.#source[this.#at] === '$') {
      this.#braces.push(0)
      this.#at++
    }
    this.#at++
  }

  #mayBeRegex() {
    const last = this.#tokens.at(-1)
    if (this.#source[this.#at] !== '/') return false
    if (!last) return true
    if (last.kind === 'word') return BEFORE_REGEX.has(last.text)
    return last.kind === 'punct' && !['0', ')', ']', '}'].includes(last.text)
  }

  /** @param {keyof typeof PATTERNS} name */
  #take(name) {
    const pattern = PATTERNS[name]
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#source)
    if (!match) return undefined
    this.#at += match[0].length
    if (name === 'space' || name === 'comment') this.#line += lines(match[0])
    return match
  }

  /**
   * @param {Token['kind']} kind
   * @param {string} text
   */
  #push(kind, text) {
    this.#tokens.push({ kind, text, line: this.#line })
  }
}

/** @param {string} text */
function lines(text) {
  return text.split('\n').length - 1
}
