// Keys that sign and verify: RSA (2048 bits and more) and ECDSA on P-256, P-384 and P-521, read from PEM, used with the JOSE
// algorithms RS256, ES256, ES384 and ES512. Immutable and safe to share between threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::component {

constexpr std::size_t pem_bytes_max = 1 << 20;  // a larger text is refused

namespace detail {
struct KeyHandle;
}  // namespace detail

// The members of a JSON Web Key (RFC 7517) of a public key, values in base64url.
struct JsonWebKey {
  std::string kty;        // RSA or EC
  std::string crv, x, y;  // EC
  std::string n, e;       // RSA
};

class PublicKey {
 public:
  // "RS256", "ES256" ...: the one algorithm that this key is used with.
  std::string_view algorithm() const { return algorithm_; }
  // SHA-256 of the key's SubjectPublicKeyInfo in base64url, as upstream names its keys.
  const std::string& key_id() const { return key_id_; }
  // `signature` in JOSE form (for ECDSA r and s side by side).
  bool verify(std::string_view data, std::string_view signature) const;
  JsonWebKey json_web_key() const;

 private:
  friend class PrivateKey;
  friend struct KeyAccess;
  std::shared_ptr<const detail::KeyHandle> handle_;
  std::string_view algorithm_;
  std::string key_id_;
};

class PrivateKey {
 public:
  // The first private key of a PEM text: PKCS#1, SEC 1 or PKCS#8, not encrypted.
  static Result<PrivateKey> parse_pem(std::string_view pem);
  static Result<PrivateKey> generate_ec_p256();
  static Result<PrivateKey> generate_rsa(int bits);

  const PublicKey& public_key() const { return public_; }
  // The signature in JOSE form.
  Result<std::string> sign(std::string_view data) const;
  // PKCS#8.
  std::string to_pem() const;

 private:
  friend struct KeyAccess;
  PublicKey public_;
};

// Every key of a PEM text: public keys, private keys (their public half) and certificates. BadRequest if there is none.
Result<std::vector<PublicKey>> parse_public_keys_pem(std::string_view pem);

// Takes as long for a near miss as for any other text of that length: for secrets.
bool equal_in_constant_time(std::string_view a, std::string_view b);

std::string sha256(std::string_view data);
// RFC 2104, for HS256.
std::string hmac_sha256(std::string_view key, std::string_view data);
std::string hex(std::string_view bytes);

}  // namespace pintle::component
