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
    username: '사용자 이름',
    emailOrUsername: '이메일 또는 사용자 이름',
    usernameHint: length => `영문자, 숫자와 . _ + - 로 글자 수는 ${length}`,
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
    signedInAlready: '이미 로그인하셨나요?',
    chooseAccount: '계정 선택',
    forgotten: '비밀번호를 잊으셨나요?',
    problems: {
      wrong_credentials: {
        what: '이메일 또는 비밀번호가 맞지 않습니다.',
        next: '둘 다 확인하고 다시 입력해 주세요.',
      },
      wrong_name: { what: '이름 또는 비밀번호가 맞지 않습니다.', next: '둘 다 확인하고 다시 입력해 주세요.' },
      missing_name: { what: '이름이 비어 있습니다.', next: '이메일이나 사용자 이름을 입력해 주세요.' },
      missing_email: { what: '이메일이 비어 있습니다.', next: '가입할 때 쓴 이메일을 입력해 주세요.' },
      missing_password: { what: '비밀번호가 비어 있습니다.', next: '비밀번호를 입력해 주세요.' },
      blocked: { what: '차단된 계정입니다.', next: '앱 운영자에게 문의해 주세요.' },
      busy: { what: '지금은 시도가 너무 많습니다.', next: '잠시 기다렸다가 다시 해 주세요.' },
    },
    held: {
      what: '비밀번호가 여러 번 틀렸습니다.',
      next: duration => `${duration} 뒤에 다시 하거나 비밀번호를 새로 정해 주세요.`,
    },
  },

  signUp: {
    title: '계정 만들기',
    lead: application => `계정을 만들고 ${application}에서 계속하세요.`,
    act: '계정 만들기',
    haveAccount: '이미 계정이 있으신가요?',
    signIn: '로그인',
    problems: {
      address_taken: { what: '이미 가입한 이메일입니다.', next: '그대로 로그인하거나 다른 이메일을 써 주세요.' },
      address_invalid: { what: '이메일 주소가 아닙니다.', next: 'ann@example.com처럼 입력해 주세요.' },
      not_invited: { what: '초대받은 이메일이 아닙니다.', next: '초대를 받은 이메일로 계정을 만들어 주세요.' },
      not_open: { what: '이 조직의 계정은 여기에서 만들 수 없습니다.', next: '조직 관리자에게 초대를 부탁해 주세요.' },
      username_invalid: {
        what: '쓸 수 없는 사용자 이름입니다.',
        next: '쓸 수 있는 글자는 입력란 아래에 적혀 있습니다.',
      },
      username_taken: { what: '다른 사람이 쓰고 있는 사용자 이름입니다.', next: '다른 이름을 써 주세요.' },
      busy: { what: '지금은 시도가 너무 많습니다.', next: '잠시 기다렸다가 다시 해 주세요.' },
    },
  },

  newPassword: {
    hint: minimumLength => `${minimumLength}자 이상으로 정해 주세요.`,
    kinds: { lowercase: '소문자', uppercase: '대문자', number: '숫자', special: '! 같은 기호' },
    everyKind: kinds => `다음이 모두 들어가야 합니다: ${kinds}`,
    threeKinds: kinds => `다음 중 세 가지 이상이 들어가야 합니다: ${kinds}`,
    problems: {
      password_too_short: {
        what: '비밀번호가 너무 짧습니다.',
        next: '더 길게 정해 주세요. 단어 여러 개를 이어 쓰면 외우기 쉽습니다.',
      },
      password_too_long: { what: '비밀번호가 너무 깁니다.', next: '더 짧게 정해 주세요.' },
      password_too_few_kinds: {
        what: '비밀번호에 들어가야 할 글자가 빠졌습니다.',
        next: '입력란 아래에 적힌 글자를 넣어 주세요.',
      },
      password_repeats: {
        what: '같은 글자가 너무 많이 이어진 비밀번호입니다.',
        next: '같은 글자를 이어 쓰지 말아 주세요.',
      },
      password_sequence: {
        what: 'abc처럼 차례대로 이어진 글자가 있는 비밀번호입니다.',
        next: '차례대로 이어 쓰지 말아 주세요.',
      },
      password_used_before: { what: '전에 쓴 비밀번호입니다.', next: '쓴 적이 없는 것으로 정해 주세요.' },
      password_own_data: {
        what: '이메일이나 이름이 들어간 비밀번호입니다.',
        next: '나와 이 사이트를 짐작할 수 없는 것으로 정해 주세요.',
      },
      password_common: {
        what: '많은 사람이 쓰는 비밀번호입니다.',
        next: '다른 것으로 정해 주세요. 서로 관계없는 단어를 이어 쓰면 짐작하기 어렵습니다.',
      },
      password_predictable: {
        what: '순서나 반복이라 짐작하기 쉬운 비밀번호입니다.',
        next: '다른 것으로 정해 주세요. 서로 관계없는 단어를 이어 쓰면 짐작하기 어렵습니다.',
      },
    },
    strength: ['짐작하기 쉬움', '약함', '보통', '좋음', '강함'],
  },

  forgotPassword: {
    title: '비밀번호를 잊으셨나요?',
    lead: '가입한 이메일을 입력해 주세요. 새 비밀번호를 정하는 링크를 보내 드립니다.',
    act: '링크 받기',
    remembered: '비밀번호가 생각나셨나요?',
    signIn: '로그인',
  },

  resetPassword: {
    title: '새 비밀번호 정하기',
    lead: address => `${address} 계정에 쓸 비밀번호를 입력해 주세요.`,
    act: '비밀번호 바꾸기',
  },

  verifyEmail: {
    title: '이메일 인증',
    lead: address => `${address} 주소를 쓰고 계신다면 버튼을 눌러 주세요.`,
    elsewhere: address => `${address} 계정을 직접 만드셨다면 비밀번호를 입력해 주세요.`,
    act: '인증하기',
    wrong: { what: '계정의 비밀번호가 아닙니다.', next: '확인하고 다시 입력해 주세요.' },
    notYours: '직접 만들지 않았거나 비밀번호를 잊으셨나요?',
    newPassword: '새 비밀번호 정하기',
  },

  notices: {
    resetSent: {
      title: '메일을 확인해 주세요',
      lead: address => `${address} 계정이 있으면 그 주소로 링크를 보냈습니다.`,
      note: duration =>
        `링크는 ${duration} 동안 쓸 수 있습니다. 몇 분이 지나도 오지 않으면 스팸함과 입력한 주소를 확인해 주세요.`,
    },
    resetOver: {
      title: '더는 쓸 수 없는 링크입니다',
      lead: duration => `링크는 ${duration} 동안, 비밀번호가 그대로일 때만 쓸 수 있습니다.`,
      act: '새 링크 받기',
    },
    resetUsed: {
      title: '이미 쓴 링크입니다',
      lead: '이 링크로 비밀번호가 바뀌었습니다. 직접 바꾸셨다면 새 비밀번호로 로그인해 주세요.',
      act: '새 링크 받기',
    },
    passwordChanged: {
      title: '비밀번호를 바꿨습니다',
      lead: '모든 기기에서 로그아웃했습니다. 이제 새 비밀번호로 로그인해 주세요.',
      act: application => `${application}에서 계속`,
    },
    confirmed: { title: '이메일을 인증했습니다', lead: '이 창은 닫아도 됩니다.' },
    verificationRequired: {
      title: '먼저 이메일을 인증해 주세요',
      lead: (application, address) =>
        `${application}에서 인증된 이메일을 요구합니다. ${address} 주소로 보낸 링크를 연 다음 여기서 계속해 주세요.`,
      note: '몇 분 안에 메일이 오지 않으면 스팸함을 확인해 주세요. 새 링크는 내 계정 페이지에서 받을 수 있습니다.',
      act: '계속',
    },
    verificationExpired: {
      title: '기한이 지난 링크입니다',
      lead: address => `${address} 주소로 새 링크를 보내 드릴 수 있습니다.`,
      act: '새 링크 받기',
    },
    verificationOver: {
      title: '쓸 수 없는 링크입니다',
      lead: '주소가 잘렸거나 계정의 이메일이 바뀌었을 수 있습니다. 가장 최근에 받은 메일에서 다시 열어 주세요.',
    },
    verificationSent: {
      title: '메일을 확인해 주세요',
      lead: address => `${address} 주소로 새 링크를 보냈습니다.`,
    },
    mailedSignIn: {
      title: '로그인',
      lead: (application, address) => `${address} 계정으로 ${application}에서 계속할까요?`,
      act: '로그인',
    },
    mailedSignInOver: {
      title: '더는 쓸 수 없습니다',
      lead: '짧은 시간 안에 한 번만 쓸 수 있습니다. 앱으로 돌아가 메일을 새로 받아 주세요.',
    },
    release: {
      title: '다시 시도하기',
      lead: address =>
        `${address} 계정에 틀린 비밀번호가 여러 번 입력되었습니다. 직접 입력하셨다면 바로 다시 시도할 수 있습니다.`,
      act: '다시 시도할 수 있게 하기',
      otherwise: '직접 하신 일이 아닌가요?',
      ask: '새 비밀번호 정하기',
    },
    released: { title: '다시 로그인할 수 있습니다', lead: '앱으로 돌아가 로그인해 주세요.' },
    releaseOver: {
      title: '더는 쓸 수 없는 링크입니다',
      lead: '하루 안에 한 번만 쓸 수 있습니다. 링크가 없어도 조금 기다리면 비밀번호를 다시 입력할 수 있습니다.',
      act: '새 비밀번호 정하기',
    },
    signUpSent: {
      title: '메일을 확인해 주세요',
      lead: address => `${address} 주소로 메일을 보냈습니다. 메일의 안내를 따라 주세요.`,
      note: '몇 분 안에 메일이 오지 않으면 스팸함을 확인하고, 주소가 맞는지도 살펴봐 주세요.',
    },
  },

  mails: {
    invitation: {
      subject: organization => `${organization} 초대`,
      heading: '초대를 받았습니다',
      lead: (tenant, inviter, organization) =>
        `${tenant}에 있는 조직에 초대를 받았습니다. 조직: ${organization}. 초대한 사람: ${inviter}.`,
      act: '초대 수락',
      limit: duration => `링크는 ${duration} 안에 한 번만 쓸 수 있습니다.`,
      notYou: '초대한 사람을 모르면 아무것도 하지 않아도 됩니다. 링크를 눌러야만 구성원이 됩니다.',
    },
    resetPassword: {
      subject: tenant => `${tenant} 새 비밀번호 정하기`,
      heading: '새 비밀번호를 정해 주세요',
      lead: tenant => `${tenant}에서 새 비밀번호를 정하겠다는 요청을 받았습니다.`,
      act: '새 비밀번호 정하기',
      limit: duration => `링크는 ${duration} 안에 한 번만 쓸 수 있습니다.`,
      notYou: '요청하지 않으셨다면 그냥 두셔도 됩니다. 비밀번호는 바뀌지 않습니다.',
    },
    verifyEmail: {
      subject: tenant => `${tenant} 이메일 인증`,
      heading: '이메일을 인증해 주세요',
      lead: tenant => `${tenant}에서 이 이메일로 계정을 만들었습니다.`,
      act: '이메일 인증하기',
      limit: duration => `링크는 ${duration} 동안 쓸 수 있습니다.`,
      notYou: '가입하지 않으셨다면 그냥 두셔도 됩니다. 이메일은 인증되지 않습니다.',
    },
    signUp: {
      subject: tenant => `${tenant} 가입 마치기`,
      heading: '가입을 마쳐 주세요',
      lead: tenant => `${tenant}에서 이 이메일로 계정을 만들고 있습니다.`,
      act: '계정 만들기',
      limit: duration => `링크는 ${duration} 동안 쓸 수 있습니다.`,
      notYou: '가입하지 않으셨다면 그냥 두셔도 됩니다. 계정은 만들어지지 않습니다.',
    },
    signUpTaken: {
      subject: tenant => `${tenant} 계정이 이미 있습니다`,
      heading: '계정이 이미 있습니다',
      lead: tenant =>
        `${tenant}에서 이 이메일로 계정을 만들려고 했지만, 이미 계정이 있습니다. 그 계정의 비밀번호로 로그인해 주세요.`,
      act: '새 비밀번호 정하기',
      notYou: '직접 하신 일이 아니라면 그냥 두셔도 됩니다. 계정은 그대로입니다.',
    },
    passwordChanged: {
      subject: tenant => `${tenant} 비밀번호가 바뀌었습니다`,
      heading: '비밀번호가 바뀌었습니다',
      lead: tenant => `메일로 보낸 링크로 ${tenant} 계정의 비밀번호가 바뀌었습니다. 모든 기기에서 로그아웃되었습니다.`,
      act: '비밀번호 다시 정하기',
      notYou:
        '직접 바꾸지 않으셨다면 다른 사람이 메일을 보고 있을 수 있습니다. 먼저 메일 계정의 비밀번호를 바꾸고, 여기서도 다시 정해 주세요.',
    },
    guessing: {
      subject: tenant => `누군가 ${tenant} 비밀번호를 알아내려 합니다`,
      heading: '누군가 비밀번호를 알아내려 합니다',
      lead: tenant =>
        `${tenant} 계정에 틀린 비밀번호가 여러 번 입력되었습니다. 로그인한 사람은 없으며, 당분간 다시 시도하려면 기다려야 합니다. 전에 로그인한 브라우저에서는 평소처럼 쓰실 수 있습니다. 직접 입력하셨다면 링크를 눌러 바로 다시 시도할 수 있습니다.`,
      act: '다시 시도하기',
      limit: duration => `링크는 ${duration} 안에 한 번만 쓸 수 있습니다.`,
      notYou:
        '직접 하신 일이 아니라면 링크를 누르지 마세요. 누르면 알아내려는 사람이 다시 시도할 수 있습니다. 지금 비밀번호가 짐작하기 쉽거나 다른 곳에서도 쓰는 것은 아닌지 생각해 보고, 불안하면 로그인 화면에서 새로 정해 주세요.',
    },
    welcome: {
      subject: tenant => `${tenant}에 오신 것을 환영합니다`,
      heading: '환영합니다',
      lead: tenant => `${tenant} 계정이 준비되었습니다.`,
      act: '내 계정 보기',
      notYou: '계정을 만들지 않으셨다면 그냥 두셔도 됩니다.',
    },
    signInCode: {
      subject: tenant => `${tenant} 로그인 코드`,
      heading: '로그인 코드입니다',
      lead: tenant => `${tenant}에 로그인하는 화면에 입력해 주세요.`,
      limit: duration => `${duration} 안에 한 번만 쓸 수 있습니다. 새 코드를 받으면 이 코드는 쓸 수 없습니다.`,
      notYou:
        '아무에게도 알려 주지 마세요. 코드를 묻는 사람은 대신 로그인하려는 것입니다. 로그인하는 중이 아니라면 그냥 두셔도 됩니다.',
    },
    signInLink: {
      subject: tenant => `${tenant} 로그인`,
      heading: '로그인',
      lead: tenant => `${tenant}에 이 이메일로 로그인하려고 합니다.`,
      act: '로그인',
      limit: duration => `링크는 ${duration} 안에 한 번만 쓸 수 있습니다.`,
      notYou: '직접 하신 일이 아니라면 그냥 두셔도 됩니다. 아무도 로그인되지 않습니다.',
    },
    device: device => `브라우저: ${device}`,
    instead: '버튼이 눌리지 않으면 이 주소를 브라우저에 붙여 넣어 주세요.',
  },

  chooseAccount: {
    title: '계정 선택',
    lead: application => `계정을 고르고 ${application}에서 계속하세요.`,
    another: '다른 계정 사용',
    gone: { what: '이미 로그아웃한 계정입니다.', next: '다른 계정을 고르거나 다시 로그인해 주세요.' },
  },

  nameOrganization: {
    title: '조직 입력',
    lead: application => `조직 이름을 입력하고 ${application}에서 계속하세요.`,
    label: '조직 이름',
    act: '계속',
    none: '조직 없이 계속',
    problems: {
      unknown: {
        what: '이 이름의 조직이 없습니다.',
        next: '이름을 확인하거나 초대한 사람에게 물어봐 주세요.',
      },
    },
  },

  chooseOrganization: {
    title: '조직 선택',
    lead: application => `조직을 고르고 ${application}에서 계속하세요.`,
    none: '조직 없이 계속',
  },

  consent: {
    title: '접근 허용',
    heading: application => `${application}에 계정 사용을 허용할까요?`,
    lead: '앱이 아래 권한을 요청합니다.',
    signedInAs: '로그인한 계정',
    refuse: '허용 안 함',
    allow: '허용',
    notYou: '내 계정이 아닌가요?',
    anotherAccount: '다른 계정 사용',
    asks: {
      account: { what: '다시 왔을 때 알아보기', detail: '계정 식별자로 구분' },
      api: { what: '내 이름으로 이용', detail: '그 밖의 권한은 없습니다' },
      profile: { what: '내가 누구인지 확인하기', detail: '이름, 사진과 그 밖의 프로필 정보' },
      email: { what: '내 이메일 주소 보기', detail: '주소와 인증 여부' },
      profile_email: { what: '내가 누구인지 확인하기', detail: '이름, 사진, 이메일 주소와 그 밖의 프로필 정보' },
      address: { what: '내 주소 보기', detail: '프로필에 적힌 우편 주소' },
      phone: { what: '내 전화번호 보기', detail: '번호와 인증 여부' },
      offline_access: { what: '내가 없을 때도 계속 접근하기', detail: '매번 다시 묻지 않습니다' },
    },
  },

  account: {
    title: '내 계정',
    sessions: '로그인한 기기',
    thisBrowser: '지금 쓰는 브라우저',
    unknownDevice: '알 수 없는 기기',
    signedIn: ago => `${ago} 로그인`,
    lastUsed: ago => `마지막 사용: ${ago}`,
    onlyRecent: '최근 기기만 보입니다.',
    signOut: '로그아웃',
    signOutOthers: '다른 기기 모두 로그아웃',
    signOutEverywhere: '모든 기기에서 로그아웃',
    unconfirmed: '아직 인증하지 않은 이메일입니다.',
    sendConfirmation: '인증 메일 받기',
    everywhereHint: '모든 기기에서 로그아웃하면 로그인을 유지하던 앱의 접근도 끊깁니다.',
    applications: '접근을 허용한 앱',
    noApplications: '내 계정에 접근하는 앱이 없습니다.',
    staysSignedIn: '로그인 유지 중',
    removeAccess: '접근 끊기',
    anotherAccount: '다른 계정 사용',
  },

  formPost: { title: '한 단계 남았습니다', act: '계속' },

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
    everywhere: {
      title: '모든 기기에서 로그아웃했습니다',
      lead: '로그인을 유지하던 앱에서도 로그아웃했습니다.',
    },
    backTo: application => `${application} 다시 열기`,
    back: '돌아가기',
  },

  edge: {
    over: {
      title: '이 로그인은 더 이상 유효하지 않습니다',
      lead: '다른 브라우저에서 시작했거나 너무 오래되었습니다.',
      act: '로그인',
    },
    failed: {
      title: '로그인하지 못했습니다',
      lead: '로그인이 중단되었거나 문제가 생겼습니다.',
      act: '다시 시도',
    },
    tooWeak: {
      title: '더 강한 인증이 필요합니다',
      lead: '다시 로그인하고, 추가 인증을 요청하면 완료해 주세요.',
      act: '다시 로그인',
    },
    elsewhere: {
      title: '아직 로그인되어 있습니다',
      lead: '다른 사이트에서 로그아웃을 시도했습니다. 원하면 여기에서 로그아웃하세요.',
      act: '로그아웃으로 이동',
    },
    unavailable: {
      title: '지금은 로그인할 수 없습니다',
      lead: '잠시 후 다시 시도해 주세요.',
      act: '한 번 더 시도',
    },
    signOut: {
      title: '로그아웃할까요?',
      lead: '로그아웃하면 이 페이지에서 다시 로그인해야 합니다.',
      act: '예, 로그아웃',
    },
  },

  leaving: {
    title: '로그아웃하는 중',
    lead: '사용하던 앱에 로그아웃을 알리고 있습니다.',
    next: '계속',
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
      no_connection: {
        what: '아직 이 앱에 로그인할 방법이 없습니다',
        next: '앱 운영자에게 로그인 방법을 정해 달라고 알려 주세요.',
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
      method_not_allowed: {
        what: '이 주소에서는 할 수 없는 요청입니다',
        next: '앱에 돌아가서 처음부터 다시 해 주세요.',
      },
      too_many: {
        what: '같은 네트워크에서 요청이 너무 많습니다',
        next: '잠시 기다렸다가 앱으로 돌아가 다시 해 주세요.',
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
