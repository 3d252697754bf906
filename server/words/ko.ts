/**
 * Korean, written for the page rather than after the English: polite, short, one thought per sentence.
 *
 * How a foreign name ends when spoken cannot be told from its letters, and 은/는, 이/가, 을/를, 와/과 and (으)로 depend
 * on it. So a name is followed only by 에 or 에서, which fit every ending, or by no particle.
 */
import type { Catalogue } from './catalogue.ts'

export const ko: Catalogue = {
  fields: {
    email: '이메일',
    password: '비밀번호',
    show: '보기',
    hide: '숨기기',
    showPassword: '비밀번호 보기',
    hidePassword: '비밀번호 숨기기',
  },

  signIn: {
    title: '로그인',
    lead: application => `로그인하고 ${application}에서 계속하세요.`,
    act: '로그인',
    newHere: '처음이신가요?',
    createAccount: '계정 만들기',
    problems: {
      wrong_credentials: {
        what: '이메일 또는 비밀번호가 맞지 않습니다.',
        next: '둘 다 확인하고 다시 입력해 주세요.',
      },
      missing_email: { what: '이메일이 비어 있습니다.', next: '가입할 때 쓴 이메일을 입력해 주세요.' },
      missing_password: { what: '비밀번호가 비어 있습니다.', next: '비밀번호를 입력해 주세요.' },
      blocked: { what: '차단된 계정입니다.', next: '앱 운영자에게 문의해 주세요.' },
      busy: { what: '지금은 시도가 너무 많습니다.', next: '잠시 기다렸다가 다시 해 주세요.' },
    },
  },

  signUp: {
    title: '계정 만들기',
    lead: application => `계정을 만들고 ${application}에서 계속하세요.`,
    act: '계정 만들기',
    passwordHint: minimumLength => `${minimumLength}자 이상으로 정해 주세요.`,
    haveAccount: '이미 계정이 있으신가요?',
    signIn: '로그인',
    problems: {
      address_taken: { what: '이미 가입한 이메일입니다.', next: '그대로 로그인하거나 다른 이메일을 써 주세요.' },
      address_invalid: { what: '이메일 주소가 아닙니다.', next: 'ann@example.com처럼 입력해 주세요.' },
      password_too_short: {
        what: '비밀번호가 너무 짧습니다.',
        next: '더 길게 정해 주세요. 단어 여러 개를 이어 쓰면 외우기 쉽습니다.',
      },
      password_too_long: { what: '비밀번호가 너무 깁니다.', next: '더 짧게 정해 주세요.' },
      password_is_address: {
        what: '비밀번호가 이메일과 같습니다.',
        next: '남이 짐작할 수 없는 것으로 정해 주세요.',
      },
      busy: { what: '지금은 시도가 너무 많습니다.', next: '잠시 기다렸다가 다시 해 주세요.' },
    },
  },

  consent: {
    title: '접근 허용',
    heading: application => `${application}에 계정 사용을 허용할까요?`,
    lead: '앱이 아래 권한을 요청합니다.',
    signedInAs: '로그인한 계정',
    refuse: '허용 안 함',
    allow: '허용',
    asks: {
      account: { what: '다시 왔을 때 알아보기', detail: '계정 식별자로 구분' },
      profile: { what: '내가 누구인지 확인하기', detail: '이름, 사진과 그 밖의 프로필 정보' },
      email: { what: '내 이메일 주소 보기', detail: '주소와 인증 여부' },
      profile_email: { what: '내가 누구인지 확인하기', detail: '이름, 사진, 이메일 주소와 그 밖의 프로필 정보' },
      address: { what: '내 주소 보기', detail: '프로필에 적힌 우편 주소' },
      phone: { what: '내 전화번호 보기', detail: '번호와 인증 여부' },
      offline_access: { what: '내가 없을 때도 계속 접근하기', detail: '매번 다시 묻지 않습니다' },
    },
  },

  signOut: {
    title: '로그아웃',
    heading: tenant => `${tenant}에서 로그아웃할까요?`,
    lead: '다음에는 다시 로그인해야 합니다.',
    asked: application => `${application}에서 로그아웃을 요청했습니다.`,
    act: '로그아웃',
    stay: '로그인 유지',
  },

  signedOut: {
    title: '로그아웃했습니다',
    heading: application => `${application}에서 로그아웃했습니다`,
    lead: '이 창은 닫아도 됩니다.',
    backTo: application => `${application} 다시 열기`,
    back: '돌아가기',
  },

  error: {
    forDevelopers: '개발자에게 알릴 내용',
    code: '오류',
    detail: '설명',
    request: '요청 번호',
    causes: {
      unknown_client: {
        what: '등록되지 않은 앱입니다',
        next: '앱에 돌아가서 다시 해 보세요. 이 화면이 또 나오면 앱 운영자에게 알려 주세요.',
      },
      redirect_uri_missing: {
        what: '돌아갈 주소가 없습니다',
        next: '앱이 주소를 보내지 않았습니다. 앱 운영자에게 알려 주세요.',
      },
      redirect_uri_mismatch: {
        what: '보내 드릴 수 없는 주소입니다',
        next: '앱이 등록하지 않은 주소를 요청했습니다. 앱 운영자에게 알려 주세요.',
      },
      return_to_mismatch: {
        what: '돌아갈 수 없는 주소입니다',
        next: '앱이 등록하지 않은 주소를 요청했습니다. 앱 운영자에게 알려 주세요.',
      },
      malformed_request: {
        what: '요청을 읽을 수 없습니다',
        next: '앱에 돌아가서 처음부터 다시 해 주세요.',
      },
      start_again: {
        what: '처음부터 다시 해 주세요',
        next: '시간이 지났거나, 이미 쓴 페이지이거나, 다른 브라우저에서 연 페이지입니다. 앱에 돌아가서 다시 로그인해 주세요.',
      },
      cross_site_post: {
        what: '다른 사이트에서 온 요청입니다',
        next: '계정을 지키려고 아무것도 하지 않았습니다. 앱에 돌아가서 다시 해 주세요.',
      },
      not_found: {
        what: '없는 페이지입니다',
        next: '주소를 확인하거나 앱에 돌아가 주세요.',
      },
      busy: { what: '지금은 접속이 많습니다', next: '잠시 뒤에 이 페이지를 다시 열어 주세요.' },
      unexpected: {
        what: '문제가 생겼습니다',
        next: '잠시 뒤에 다시 해 보세요. 계속되면 아래 내용을 운영자에게 알려 주세요.',
      },
    },
  },

  footer: { languages: '언어', legal: '약관과 정책', privacy: '개인정보 처리방침', terms: '이용약관' },
}
