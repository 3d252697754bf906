#!/usr/bin/python3
"""Makes password-hashes.json: hashes of known passwords, each by the library whose format it is.

On Debian 12, as any user:
  apt-get install python3-passlib python3-django python3-werkzeug python3-bcrypt python3-argon2 php-cli
  tests/vectors/make-password-hashes.py > tests/vectors/password-hashes.json

Salts are random, so a second run makes other hashes. Costs are low where the library lets one choose, so that the
tests are quick. Keycloak's are made with Python's hashlib and argon2-cffi from what Keycloak documents; Firebase's is
the example that Firebase publishes with its algorithm. Auth0 documents its format and makes none: what is in it is
made by hashlib and hmac.
"""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
from importlib.metadata import version

import argon2
import bcrypt
import django
import passlib
from argon2.low_level import Type, hash_secret, hash_secret_raw
from django.conf import settings
from passlib import hash as passlib_hash
from werkzeug.security import generate_password_hash

settings.configure()
django.setup()
from django.contrib.auth import hashers  # noqa: E402

PASSWORDS = ['correct horse battery staple', 'p\u00e4ssw\u00f6rd 1', '\ube44\ubc00\ubc88\ud638 \uc5f4\uc1e0 7']
# 72 bytes: as much as bcrypt reads.
LONGEST_OF_BCRYPT = 'x' * 71 + '!'
LONG = 'a passphrase that is much longer than the seventy-two bytes that bcrypt reads of it, and goes on'

vectors = []


def add(format, by, password, hash):
    vectors.append({'format': format, 'by': by, 'password': password, 'hash': hash})


def b64(data):
    return base64.b64encode(data).decode()


def unpadded(data):
    return b64(data).rstrip('=')


def from_bcrypt():
    by = f'bcrypt {version("bcrypt")} (Python)'
    for prefix in (b'2a', b'2b'):
        for password in [*PASSWORDS, LONGEST_OF_BCRYPT]:
            salt = bcrypt.gensalt(4, prefix)
            add('bcrypt', by, password, bcrypt.hashpw(password.encode(), salt).decode())


def from_django():
    by = f'Django {django.get_version()}'

    class Quick(hashers.PBKDF2PasswordHasher):
        iterations = 1000

    class QuickSha1(hashers.PBKDF2SHA1PasswordHasher):
        iterations = 1000

    class QuickBcrypt(hashers.BCryptPasswordHasher):
        rounds = 4

    class QuickBcryptSha256(hashers.BCryptSHA256PasswordHasher):
        rounds = 4

    class QuickArgon2(hashers.Argon2PasswordHasher):
        memory_cost = 1024

    for format, hasher in [
        ('Django PBKDF2', Quick()),
        ('Django PBKDF2', QuickSha1()),
        ('Django bcrypt', QuickBcrypt()),
        ('Django bcrypt over SHA-256', QuickBcryptSha256()),
        ('Django Argon2', QuickArgon2()),
    ]:
        for password in PASSWORDS:
            add(format, by, password, hasher.encode(password, hasher.salt()))
    add('Django PBKDF2', f'{by}, its defaults', PASSWORDS[0], hashers.PBKDF2PasswordHasher().encode(PASSWORDS[0], 'saltsaltsalt'))
    add('Django bcrypt over SHA-256', by, LONG, QuickBcryptSha256().encode(LONG, QuickBcryptSha256().salt()))
    # Django has it since 4.0, as hashlib's scrypt over N, r and p between dollars.
    for password in PASSWORDS:
        salt = 'c2FsdCBvZiBkamFuZ28'
        derived = hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=5, maxmem=0, dklen=64)
        add('Django scrypt', 'hashlib, in the form of Django 4', password, f'scrypt$1024${salt}$8$5${b64(derived)}')


def from_werkzeug():
    by = f'Werkzeug {version("werkzeug")}'
    for password in PASSWORDS:
        for method in ('pbkdf2:sha256:1000', 'pbkdf2:sha1:1000', 'pbkdf2:sha512:1000'):
            add('Werkzeug PBKDF2', by, password, generate_password_hash(password, method))
        # Werkzeug makes it since 2.3 by these lines of hashlib.
        salt = os.urandom(8).hex()
        derived = hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1, maxmem=132 * 1024 * 8)
        add('Werkzeug scrypt', 'hashlib, in the form of Werkzeug 2.3', password, f'scrypt:1024:8:1${salt}${derived.hex()}')


def from_passlib():
    by = f'passlib {passlib.__version__}'
    for password in PASSWORDS:
        for format, handler in [
            ('PBKDF2', passlib_hash.pbkdf2_sha1.using(rounds=1000)),
            ('PBKDF2', passlib_hash.pbkdf2_sha256.using(rounds=1000)),
            ('PBKDF2', passlib_hash.pbkdf2_sha512.using(rounds=1000)),
            ('SHA-crypt', passlib_hash.sha256_crypt.using(rounds=5000)),
            ('SHA-crypt', passlib_hash.sha256_crypt.using(rounds=1234)),
            ('SHA-crypt', passlib_hash.sha512_crypt.using(rounds=5000)),
            ('SHA-crypt', passlib_hash.sha512_crypt.using(rounds=1001, salt_size=3)),
            ('scrypt', passlib_hash.scrypt.using(rounds=10)),
            ('phpass', passlib_hash.phpass.using(rounds=7)),
            ('phpass', passlib_hash.phpass.using(rounds=8, ident='H')),
            ('LDAP', passlib_hash.ldap_sha1),
            ('LDAP', passlib_hash.ldap_salted_sha1),
            ('LDAP', passlib_hash.ldap_salted_sha256),
            ('LDAP', passlib_hash.ldap_salted_sha512),
            ('LDAP', passlib_hash.ldap_md5),
            ('LDAP', passlib_hash.ldap_salted_md5),
            ('LDAP', passlib_hash.ldap_sha512_crypt.using(rounds=5000)),
        ]:
            add(format, by, password, handler.hash(password))
    for password in [*PASSWORDS, LONG]:
        # 1.7.4 no longer finds the version of today's bcrypt; what it does with it is this.
        for ident in ('v2', 'v1'):
            salt = bcrypt.gensalt(4).decode()[7:]
            key = password.encode()
            digest = hmac.digest(salt.encode(), key, 'sha256') if ident == 'v2' else hashlib.sha256(key).digest()
            made = bcrypt.hashpw(base64.b64encode(digest), f'$2b$04${salt}'.encode()).decode()[29:]
            head = 'v=2,t=2b,r=4' if ident == 'v2' else '2b,4'
            add('passlib bcrypt-sha256', f'bcrypt, in the form of passlib 1.7.4, {ident}', password, f'$bcrypt-sha256${head}${salt}${made}')
    long = [format for format in (passlib_hash.sha512_crypt.using(rounds=1000), passlib_hash.sha256_crypt.using(rounds=1000))]
    for handler in long:
        for password in ('', 'x' * 64, LONG, LONG * 3):
            add('SHA-crypt', by, password, handler.hash(password))


def from_argon2():
    by = f'argon2-cffi {argon2.__version__}'
    for password in PASSWORDS:
        for type in (Type.I, Type.D, Type.ID):
            add('Argon2', by, password, hash_secret(password.encode(), os.urandom(16), 2, 256, 2, 24, type).decode())


def from_keycloak():
    by = 'hashlib and argon2-cffi, in the form of Keycloak'

    def credential(password, secret, data):
        outer = {'type': 'password', 'secretData': json.dumps(secret), 'credentialData': json.dumps(data)}
        add('Keycloak', by, password, outer)

    for password in PASSWORDS:
        salt = os.urandom(16)
        secret = {'salt': b64(salt), 'additionalParameters': {}}
        for algorithm, digest in (('pbkdf2', 'sha1'), ('pbkdf2-sha256', 'sha256'), ('pbkdf2-sha512', 'sha512')):
            value = b64(hashlib.pbkdf2_hmac(digest, password.encode(), salt, 1000, 64))
            data = {'hashIterations': 1000, 'algorithm': algorithm, 'additionalParameters': {}}
            credential(password, {'value': value, **secret}, data)
        flat = {'algorithm': 'pbkdf2-sha256', 'hashIterations': 1000, 'salt': b64(salt)}
        derived = hashlib.pbkdf2_hmac('sha256', password.encode(), salt, 1000, 64)
        add('Keycloak', by, password, {**flat, 'value': b64(derived)})
        value = hash_secret_raw(password.encode(), salt, 5, 7168, 1, 32, Type.ID)
        more = {'hashLength': ['32'], 'memory': ['7168'], 'type': ['id'], 'version': ['1.3'], 'parallelism': ['1']}
        data = {'hashIterations': 5, 'algorithm': 'argon2', 'additionalParameters': more}
        credential(password, {'value': b64(value), **secret}, data)


def from_firebase():
    by = 'Firebase, published with its scrypt'
    known = {
        'signerKey': 'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
        'saltSeparator': 'Bw==',
        'salt': '42xEC+ixf3L2lw==',
        'passwordHash': 'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
    }
    add('Firebase scrypt', by, 'user1password', {**known, 'rounds': 8, 'memCost': 14})
    line = '$'.join([known['salt'], known['passwordHash'], known['saltSeparator'], known['signerKey']])
    add('Firebase scrypt, in one string', by, 'user1password', f'$firescrypt$ln=14,r=8,p=1${line}')


def from_auth0():
    by = 'hashlib and hmac, in the form of Auth0'
    salt = b'a pinch of salt'
    for password in PASSWORDS:
        key = password.encode()
        for algorithm in ('md5', 'sha1', 'sha256', 'sha512'):
            digest = hashlib.new(algorithm, key).digest()
            add('Auth0 custom_password_hash', by, password, {'algorithm': algorithm, 'hash': {'value': digest.hex(), 'encoding': 'hex'}})
            for position, salted in (('prefix', salt + key), ('suffix', key + salt)):
                value = b64(hashlib.new(algorithm, salted).digest())
                add('Auth0 custom_password_hash', by, password, {
                    'algorithm': algorithm,
                    'hash': {'value': value, 'encoding': 'base64'},
                    'salt': {'value': salt.hex(), 'encoding': 'hex', 'position': position},
                })
        for digest in ('sha256', 'sha512', 'ripemd160'):
            add('Auth0 custom_password_hash', by, password, {
                'algorithm': 'hmac',
                'hash': {
                    'value': hmac.digest(b'the key of all', key, digest).hex(),
                    'encoding': 'hex',
                    'digest': digest,
                    'key': {'value': b64(b'the key of all'), 'encoding': 'base64'},
                },
            })
        derived = hashlib.scrypt(key, salt=salt, n=1024, r=8, p=1, dklen=48)
        add('Auth0 custom_password_hash', by, password, {
            'algorithm': 'scrypt',
            'hash': {'value': derived.hex(), 'encoding': 'hex'},
            'salt': {'value': salt.decode(), 'encoding': 'utf8'},
            'keylen': 48,
            'cost': 1024,
        })
        derived = hashlib.pbkdf2_hmac('sha512', key, salt, 1000, 64)
        add('Auth0 custom_password_hash', by, password, {
            'algorithm': 'pbkdf2',
            'hash': {'value': f'$pbkdf2-sha512$i=1000,l=64${unpadded(salt)}${unpadded(derived)}', 'encoding': 'utf8'},
        })
        add('Auth0 custom_password_hash', by, password, {
            'algorithm': 'argon2',
            'hash': {'value': hash_secret(key, os.urandom(16), 2, 256, 1, 32, Type.I).decode(), 'encoding': 'utf8'},
        })
        add('Auth0 custom_password_hash', by, password, {
            'algorithm': 'bcrypt',
            'hash': {'value': bcrypt.hashpw(key, bcrypt.gensalt(4)).decode(), 'encoding': 'utf8'},
        })
        add('Auth0 custom_password_hash', by, password, {
            'algorithm': 'ldap',
            'hash': {'value': '{SSHA}' + b64(hashlib.sha1(key + salt).digest() + salt), 'encoding': 'utf8'},
        })
        wide = {'algorithm': 'sha256', 'hash': {'value': hashlib.sha256(password.encode('utf-16-le')).hexdigest(), 'encoding': 'hex'}}
        add('Auth0 custom_password_hash', by, password, {**wide, 'password': {'encoding': 'utf16le'}})
    narrow = {'algorithm': 'md5', 'hash': {'value': hashlib.md5(PASSWORDS[1].encode('latin-1')).hexdigest(), 'encoding': 'hex'}}
    add('Auth0 custom_password_hash', by, PASSWORDS[1], {**narrow, 'password': {'encoding': 'latin1'}})


def from_php():
    """`$2y$`, WordPress and Drupal 7: by PHP's own functions, from what those document."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'make-password-hashes.php')
    made = subprocess.run(['php', script], input=json.dumps([*PASSWORDS, LONG]), capture_output=True, text=True, check=True)
    vectors.extend(json.loads(made.stdout))


from_bcrypt()
from_django()
from_werkzeug()
from_passlib()
from_argon2()
from_keycloak()
from_firebase()
from_auth0()
from_php()
json.dump(vectors, sys.stdout, indent=2)
print()
