// A node:test reporter that writes one line of JSON for every test that was not run, or whose
// failure would not count. The other reporter of the run is for people.

/**
 * @typedef {{ name: string, file?: string, skip?: string | boolean, todo?: string | boolean }} TestData
 * @param {AsyncIterable<{ type: string, data: TestData }>} events
 */
export default async function* skipReporter(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const mark = data.skip === undefined ? data.todo : data.skip
    if (mark === undefined || mark === false) continue
    const reason = typeof mark === 'string' ? mark : ''
    yield `${JSON.stringify({ name: data.name, file: data.file, reason })}\n`
  }
}
