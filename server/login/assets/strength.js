/**
 * How strong a new password is, said while it is typed. The verdict is the server's own rule, the strength zxcvbn's
 * estimate; both, with their list of common passwords, are fetched when the field is first used. What is typed stays
 * in the page.
 */

/** A screen reader is told when the typing pauses, not at every key. Milliseconds. */
const PAUSE = 900
/** zxcvbn's time grows with the square of the length, and beyond this everything is strong. */
const LOOKED_AT = 64

/** @typedef {import('../../policy/password-rule.js').PasswordProblem} PasswordProblem */
/** @typedef {{ strength: string[], problems: Record<PasswordProblem, { what: string, next: string }> }} Words */
/** @typedef {(password: string, own: string[]) => { level: number, problem: PasswordProblem | undefined }} Judge */
/** @typedef {{ check: (password: string, own: string[]) => { score: number } }} Estimator */
/**
 * @typedef {object} Zxcvbn
 * @property {{ ZxcvbnFactory: new (options: object) => Estimator }} core
 * @property {{ dictionary: Record<string, string[]>, adjacencyGraphs: object }} language-common
 */

const place = document.getElementById('password-strength')
const field = document.getElementById('password')
if (place && field instanceof HTMLInputElement) watch(place, field)

/** @param {HTMLElement} place @param {HTMLInputElement} field */
function watch(place, field) {
  /** @type {Words} */
  const words = JSON.parse(place.dataset.words ?? '')
  const [, verdict, told] = /** @type {Iterable<HTMLElement>} */ (place.children)
  /** @type {Promise<Judge> | undefined} */
  let judging
  let timer = 0

  const judge = async () => {
    judging ??= load(place.dataset)
    const { level, problem } = (await judging)(field.value, ownTexts(place, field))
    place.hidden = field.value === ''
    place.dataset.level = String(level)
    // Its length is stated under the field; whoever has only begun need not be told so.
    const text = problem && problem !== 'password_too_short' ? words.problems[problem].what : words.strength[level]
    if (verdict) verdict.textContent = text ?? ''
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (told) told.textContent = place.hidden ? '' : (text ?? '')
    }, PAUSE)
  }
  // Without the library the page is as it would be without scripts.
  const quietly = () => judge().catch(() => {})
  field.addEventListener('focus', quietly)
  field.addEventListener('input', quietly)
  if (field.value !== '') quietly()
}

/** @param {HTMLElement} place @param {HTMLInputElement} field @returns {string[]} */
function ownTexts(place, field) {
  const typed = ['email', 'username'].flatMap(name => {
    const input = field.form?.elements.namedItem(name)
    return input instanceof HTMLInputElement ? [input.value] : []
  })
  return [...JSON.parse(place.dataset.own ?? '[]'), ...typed]
}

/** @param {DOMStringMap} urls @returns {Promise<Judge>} */
async function load({ rule = '', policy: policyText = '', estimator: estimatorUrl = '', list = '' }) {
  const [{ passwordProblem }] = await Promise.all([import(rule), run(estimatorUrl), run(list)])
  const { core, 'language-common': common } = /** @type {{ zxcvbnts: Zxcvbn }} */ (/** @type {unknown} */ (globalThis))
    .zxcvbnts
  const estimator = new core.ZxcvbnFactory({ dictionary: common.dictionary, graphs: common.adjacencyGraphs })
  const first = new Set(common.dictionary['passwords-common'])
  const policy = JSON.parse(policyText)

  return (password, own) => {
    const problem = passwordProblem(password, {
      own,
      isCommon: (/** @type {string} */ text) => first.has(text),
      policy,
    })
    if (problem) return { level: 0, problem }
    const { score } = estimator.check(password.slice(0, LOOKED_AT), own)
    return { level: Math.max(1, score), problem: undefined }
  }
}

/** @param {string} url */
const run = url =>
  new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = url
    script.addEventListener('load', resolve)
    script.addEventListener('error', reject)
    document.head.append(script)
  })
