// The status of a CGI response (RFC 3875, §6.3.3), from the first piece of it and nothing else: what is not in there stays unknown.

const latin1 = new TextDecoder('latin1')
// In bytes. PHP says it first of all.
const LOOKED_AT = 4096

/** @returns undefined for what is no CGI response, and for one whose header fields go on without a status. */
export function statusOf(data: Uint8Array): number | undefined {
  let text = latin1.decode(data.subarray(0, LOOKED_AT))
  for (;;) {
    const end = /\r?\n\r?\n/.exec(text)
    const fields = end ? text.slice(0, end.index) : text
    if (!/^[!-9;-~]+:/.test(fields)) return undefined
    const status = /^status:[ \t]*(\d{3})/im.exec(fields)?.[1]
    // An interim answer, such as 103, comes before the one that counts.
    if (status === undefined || !status.startsWith('1') || !end) return final(fields, status, !!end)
    text = text.slice(end.index + end[0].length)
  }
}

function final(fields: string, status: string | undefined, whole: boolean): number | undefined {
  if (status !== undefined) return status.startsWith('1') ? undefined : Number(status)
  if (!whole) return undefined
  // §6.2.3: a redirect to another URL does not have to say that it is one.
  return /^location:[ \t]*[a-z][a-z0-9+.-]*:/im.test(fields) ? 302 : 200
}
