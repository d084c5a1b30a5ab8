// Keeps a number of requests going, and times them. A requester calls back, so that the floor does not pay for promises.

/**
 * @typedef {(error?: unknown) => void} Done
 * @typedef {object} Requester
 * @property {(lane: number, done: Done) => void} request one at a time for each lane
 * @property {() => unknown} close
 *
 * @typedef {object} Run
 * @property {number} requests
 * @property {number} seconds
 * @property {number} [p50] µs, as all latencies
 * @property {number} [p99]
 * @property {number} [p999]
 */

/**
 * A closed loop: each lane asks again at once. With one lane, each answer is timed.
 *
 * @param {Requester} requester @param {number} lanes @param {number} seconds @returns {Promise<Run>}
 */
export function closedLoop({ request }, lanes, seconds) {
  return new Promise((resolve, reject) => {
    /** @type {number[]} */
    const latencies = []
    const start = performance.now()
    let [requests, running, over] = [0, lanes, false]
    let asked = start
    setTimeout(() => (over = true), seconds * 1000)
    const lane = (/** @type {number} */ number) => {
      const done = (/** @type {unknown} */ error) => {
        if (error) return reject(error)
        requests++
        if (lanes === 1) {
          const now = performance.now()
          latencies.push((now - asked) * 1000)
          asked = now
        }
        if (!over) return request(number, done)
        if (--running > 0) return undefined
        return resolve({
          requests,
          seconds: (performance.now() - start) / 1000,
          ...percentiles(latencies),
        })
      }
      request(number, done)
    }
    for (let number = 0; number < lanes; number++) lane(number)
  })
}

/**
 * An open loop: requests are due at fixed moments, and their time begins when they are due, whether or not a lane is free. The event loop
 * does not sleep in between, because its timers are as coarse as what is measured.
 *
 * @param {Requester} requester @param {number} lanes @param {number} seconds @param {number} rate requests a second
 * @returns {Promise<Run>}
 */
export function openLoop({ request }, lanes, seconds, rate) {
  return new Promise((resolve, reject) => {
    /** @type {number[]} */
    const latencies = []
    const total = Math.floor(seconds * rate)
    const free = Array.from({ length: lanes }, (_, number) => number)
    const start = performance.now()
    let begun = 0
    const dueAt = (/** @type {number} */ number) => start + (number * 1000) / rate
    const begin = (/** @type {number} */ lane) => {
      const due = dueAt(begun++)
      request(lane, (error) => {
        if (error) return reject(error)
        const now = performance.now()
        latencies.push((now - due) * 1000)
        if (begun < total && dueAt(begun) <= now) return begin(lane)
        free.push(lane)
        return undefined
      })
    }
    const look = () => {
      const lane = begun < total && dueAt(begun) <= performance.now() ? free.pop() : undefined
      if (lane !== undefined) {
        begin(lane)
        return look()
      }
      if (latencies.length < total) return setImmediate(look)
      return resolve({
        requests: total,
        seconds: (performance.now() - start) / 1000,
        ...percentiles(latencies),
      })
    }
    look()
  })
}

/** @param {number[]} latencies */
function percentiles(latencies) {
  if (latencies.length === 0) return {}
  const sorted = Float64Array.from(latencies).toSorted()
  const at = (/** @type {number} */ share) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
}
