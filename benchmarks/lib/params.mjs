// The params of the requests that clients send: twenty, as a web server would send them, half of them the same for every request.

const CONSTANT = {
  GATEWAY_INTERFACE: 'CGI/1.1',
  SERVER_SOFTWARE: 'benchmark',
  SERVER_PROTOCOL: 'HTTP/1.1',
  SERVER_NAME: 'www.example.org',
  SERVER_ADDR: '192.0.2.10',
  SERVER_PORT: '443',
  DOCUMENT_ROOT: '/srv/www/example.org/public',
  REDIRECT_STATUS: '200',
  HTTPS: 'on',
  REQUEST_SCHEME: 'https',
}

const OWN = {
  REQUEST_METHOD: 'GET',
  REQUEST_URI: '/index.php/articles/2026?page=2',
  QUERY_STRING: 'page=2',
  SCRIPT_NAME: '/index.php',
  SCRIPT_FILENAME: '/srv/www/example.org/public/index.php',
  PATH_INFO: '/articles/2026',
  REMOTE_ADDR: '198.51.100.7',
  REMOTE_PORT: '51234',
  HTTP_HOST: 'www.example.org',
  HTTP_ACCEPT: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
}

/** How many of the params, from the first on, are the same for every request. */
export const CONSTANT_COUNT = Object.keys(CONSTANT).length

/** @param {number} [count] @returns {[string, string][]} */
export function params(count = 20) {
  const all = Object.entries({ ...CONSTANT, ...OWN })
  for (let number = all.length; number < count; number++) {
    all.push([`HTTP_X_HEADER_${number}`, `value number ${number} of a header`])
  }
  return all.slice(0, count)
}

/** For the environment of a subject, in whatever language it is. @param {number} [count] */
export function paramLines(count) {
  return params(count)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')
}
