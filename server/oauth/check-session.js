// biome-ignore-all lint: of the language that every browser of the last fifteen years runs, embedded ones included
/**
 * The script of `check_session_iframe` (OpenID Connect Session Management 1.0 §3.2), framed by applications on other
 * sites. They send "client_id session_state"; it says whether the state that this browser keeps for us is still the one
 * that the answer was made with. SHA-256 is its own: crypto.subtle is missing over http and in old browsers, and waits.
 *
 * `stateCookie`, the cookie's name, is set before it.
 */
;(function () {
  'use strict'

  /* global stateCookie */

  /** @param {string} text of characters below 256 @returns {string} hexadecimal */
  function sha256(text) {
    var constants = []
    var hash = []
    // FIPS 180-4 §4.2.2, §5.3.3: of the first primes, the first 32 bits of the fraction of the cube root and the square root.
    for (var candidate = 2; constants.length < 64; candidate++) {
      var isPrime = true
      for (var factor = 2; factor * factor <= candidate; factor++) if (candidate % factor === 0) isPrime = false
      if (!isPrime) continue
      if (hash.length < 8) hash.push(fraction(Math.pow(candidate, 1 / 2)))
      constants.push(fraction(Math.pow(candidate, 1 / 3)))
    }

    // §5.1.1: a one, zeros, and the length in bits.
    var words = []
    for (var index = 0; index < text.length; index++)
      words[index >> 2] |= text.charCodeAt(index) << (24 - (index % 4) * 8)
    words[text.length >> 2] |= 0x80 << (24 - (text.length % 4) * 8)
    var length = (((text.length + 8) >> 6) + 1) * 16
    words[length - 1] = text.length * 8

    // §6.2.2
    for (var start = 0; start < length; start += 16) {
      var schedule = []
      var state = hash.slice(0)
      for (var round = 0; round < 64; round++) {
        if (round < 16) schedule[round] = words[start + round] | 0
        else {
          var early = schedule[round - 15]
          var late = schedule[round - 2]
          schedule[round] =
            (schedule[round - 16] +
              (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)) +
              schedule[round - 7] +
              (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10))) |
            0
        }
        var a = state[0]
        var e = state[4]
        var first =
          state[7] +
          (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
          ((e & state[5]) ^ (~e & state[6])) +
          constants[round] +
          schedule[round]
        var second =
          (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & state[1]) ^ (a & state[2]) ^ (state[1] & state[2]))
        state = [(first + second) | 0, a, state[1], state[2], (state[3] + first) | 0, e, state[5], state[6]]
      }
      for (var part = 0; part < 8; part++) hash[part] = (hash[part] + state[part]) | 0
    }

    var hex = ''
    for (var word = 0; word < 8; word++) hex += ('0000000' + (hash[word] >>> 0).toString(16)).slice(-8)
    return hex
  }

  function fraction(root) {
    return ((root - Math.floor(root)) * 4294967296) | 0
  }

  function turn(word, bits) {
    return (word >>> bits) | (word << (32 - bits))
  }

  function bytesOf(text) {
    return unescape(encodeURIComponent(text))
  }

  /** The cookie as it is at this moment; empty where there is none, or the browser keeps it from frames. */
  function browserState() {
    var pairs = document.cookie.split(/; */)
    for (var index = 0; index < pairs.length; index++)
      if (pairs[index].indexOf(stateCookie + '=') === 0) return pairs[index].slice(stateCookie.length + 1)
    return ''
  }

  function judge(message, origin) {
    var parts = typeof message === 'string' ? /^(\S+) ([0-9a-f]{64})\.(\S+)$/.exec(message) : null
    if (!parts) return 'error'
    var expected = sha256(bytesOf(parts[1] + ' ' + origin + ' ' + browserState() + ' ' + parts[3]))
    return expected === parts[2] ? 'unchanged' : 'changed'
  }

  window.addEventListener('message', function (event) {
    // Of a page without an origin nobody can say which application it is, and there is no address to answer to.
    if (!event.source || event.origin === 'null') return
    event.source.postMessage(judge(event.data, event.origin), event.origin)
  })
})()
