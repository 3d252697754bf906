/** What the page says, and in which language it says it. */

const ENGLISH = {
  signIn: 'Sign in',
  signUp: 'Sign up',
  signOut: 'Sign out',
  profile: 'Profile',
  headline: 'Every film lasts a day.',
  lead: 'From midnight to midnight, uncut, somewhere in the world. Come in at whatever hour it is there.',
  films: 'Films',
  addFilm: 'Add a film',
  addHint: 'Give it a title',
  upload: 'Upload',
  uploaded: 'Uploaded.',
  addSignedOut: 'Sign in to add a film of your own.',
  signInByWindow: 'Sign in without leaving this page',
  anotherAccount: 'Use another account',
  confirm: 'Confirm that it is you',
  accountPage: 'Manage your account',
  invalidTitle: 'That title does not fit. One line, at most 80 characters.',
  noScope: 'This account may watch, but not upload.',
  unavailable: 'The server cannot answer at the moment. Try again in a little while.',
  notFound: 'That film has left the list.',
  back: 'All films',
  play: 'Play',
  pause: 'Pause',
  hour: 'Time of day',
  there: 'there now',
  needSignIn: 'Sign in to see your profile.',
  verified: 'confirmed',
  accessTitle: 'What the films’ server knows of you',
  accessLead: 'This is all that your access token told it.',
  subject: 'Subject',
  scopes: 'Scopes',
  noScopes: 'none',
  issued: 'Token issued',
  expires: 'Token expires',
  refresh: 'Refresh token',
  refreshed: 'A new token is here.',
  signInFailed: 'Signing in did not work.',
  signInAgain: 'Your sign-in has ended. Please sign in again.',
  signOutEverywhere: 'Sign out everywhere',
  signedOutElsewhere: 'You were signed out everywhere, and so here.',
  watching: '{n} watching',
}

/** @type {typeof ENGLISH} */
const KOREAN = {
  signIn: '로그인',
  signUp: '회원가입',
  signOut: '로그아웃',
  profile: '프로필',
  headline: '모든 영화는 하루입니다.',
  lead: '자정에서 자정까지, 편집 없이, 세상 어딘가의 하루. 그곳의 지금 시각으로 들어와 보세요.',
  films: '영화',
  addFilm: '영화 올리기',
  addHint: '제목을 지어 주세요',
  upload: '올리기',
  uploaded: '올렸습니다.',
  addSignedOut: '로그인하면 내 영화를 올릴 수 있습니다.',
  signInByWindow: '이 화면에서 바로 로그인',
  anotherAccount: '다른 계정 사용',
  confirm: '본인 확인',
  accountPage: '계정 관리',
  invalidTitle: '이 제목은 쓸 수 없습니다. 한 줄, 80자까지 가능합니다.',
  noScope: '이 계정은 볼 수만 있고 올릴 수는 없습니다.',
  unavailable: '지금은 서버가 응답하지 않습니다. 잠시 후 다시 시도해 주세요.',
  notFound: '목록에 없는 영화입니다.',
  back: '모든 영화',
  play: '재생',
  pause: '멈춤',
  hour: '하루 중 시각',
  there: '그곳의 지금',
  needSignIn: '로그인하면 프로필을 볼 수 있습니다.',
  verified: '확인됨',
  accessTitle: '영화 서버가 아는 것',
  accessLead: '액세스 토큰이 알려 준 내용의 전부입니다.',
  subject: '사용자',
  scopes: '권한',
  noScopes: '없음',
  issued: '토큰 발급',
  expires: '토큰 만료',
  refresh: '토큰 새로 받기',
  refreshed: '새 토큰을 받았습니다.',
  signInFailed: '로그인하지 못했습니다.',
  signInAgain: '로그인이 끝났습니다. 다시 로그인해 주세요.',
  signOutEverywhere: '모든 기기에서 로그아웃',
  signedOutElsewhere: '모든 기기에서 로그아웃되어 여기서도 로그아웃되었습니다.',
  watching: '{n}명 시청 중',
}

const CATALOGUES = { en: ENGLISH, ko: KOREAN }
const KEPT = 'language'

/** @typedef {keyof typeof CATALOGUES} Language */
/** @typedef {keyof typeof ENGLISH} Word */

/** @returns {Language} the one chosen here before, else the browser's, else English */
export function preferredLanguage() {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages].map(tag => tag?.slice(0, 2))
  return wanted.find(tag => tag === 'en' || tag === 'ko') ?? 'en'
}

/** @param {Language} language */
export const keepLanguage = language => localStorage.setItem(KEPT, language)

/** @param {Language} language @returns {(word: Word) => string} */
export const speak = language => word => CATALOGUES[language][word]
