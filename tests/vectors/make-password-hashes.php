<?php
// Called by make-password-hashes.py: takes passwords as JSON, answers vectors as JSON. PHP's own functions make the
// bcrypt and the digests; how WordPress and Drupal put them together is as each documents it.

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function encode(string $bytes): string {
  $text = '';
  for ($at = 0; $at < strlen($bytes); $at += 3) {
    $part = substr($bytes, $at, 3);
    $value = 0;
    for ($place = 0; $place < strlen($part); $place++) $value |= ord($part[$place]) << (8 * $place);
    for ($place = 0; $place <= strlen($part); $place++) $text .= ALPHABET[($value >> (6 * $place)) & 63];
  }
  return $text;
}

function portable(string $algorithm, string $ident, string $password, int $logarithm, int $length): string {
  $salt = encode(random_bytes(6));
  $hash = hash($algorithm, $salt . $password, true);
  for ($round = 0; $round < 1 << $logarithm; $round++) $hash = hash($algorithm, $hash . $password, true);
  return substr($ident . ALPHABET[$logarithm] . $salt . encode($hash), 0, $length);
}

$by = 'PHP ' . PHP_VERSION;
$vectors = [];
foreach (json_decode(stream_get_contents(STDIN)) as $password) {
  $add = function (string $format, string $how, string $hash) use (&$vectors, $by, $password) {
    $vectors[] = ['format' => $format, 'by' => $by . $how, 'password' => $password, 'hash' => $hash];
  };
  if (strlen($password) <= 72) $add('bcrypt', ', password_hash', password_hash($password, PASSWORD_BCRYPT, ['cost' => 4]));
  $prehashed = base64_encode(hash_hmac('sha384', trim($password), 'wp-sha384', true));
  $add('WordPress', ', in the form of WordPress 6.8', '$wp' . password_hash($prehashed, PASSWORD_BCRYPT, ['cost' => 4]));
  $add('Drupal 7', ', in the form of Drupal 7', portable('sha512', '$S$', $password, 8, 55));
  $add('Drupal 7', ', in the form of Drupal 7, migrated from 6', 'U' . portable('sha512', '$S$', md5($password), 7, 55));
  $add('Drupal 7', ', in the form of Drupal 7, migrated from 6', 'U' . portable('md5', '$P$', md5($password), 7, 34));
}
echo json_encode($vectors);
