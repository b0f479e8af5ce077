#include "component/certificate/keys.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "codec/base64.h"
#include "component/certificate/openssl_handle.h"

namespace pintle::component {
namespace {

struct Curve {
  std::string_view openssl_name;  // as OSSL_PKEY_PARAM_GROUP_NAME says it
  std::string_view jose_name;
  std::string_view algorithm;
  std::size_t coordinate_bytes;
};
constexpr Curve curves[] = {{"prime256v1", "P-256", "ES256", 32}, {"secp384r1", "P-384", "ES384", 48}, {"secp521r1", "P-521", "ES512", 66}};
constexpr int rsa_bits_min = 1024;

const Curve* curve_of(EVP_PKEY* key) {
  char name[64] = {};
  std::size_t size = 0;
  if (!EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name, &size)) return nullptr;
  for (const Curve& curve : curves)
    if (curve.openssl_name == std::string_view(name, size)) return &curve;
  return nullptr;
}

const Curve* curve_named(std::string_view algorithm) {
  for (const Curve& curve : curves)
    if (curve.algorithm == algorithm) return &curve;
  return nullptr;
}

const EVP_MD* digest_of(std::string_view algorithm) {
  if (algorithm == "ES384") return EVP_sha384();
  if (algorithm == "ES512") return EVP_sha512();
  return EVP_sha256();
}

std::string subject_public_key_info(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::string big_number_bytes(EVP_PKEY* key, const char* param, std::size_t width) {
  BIGNUM* raw = nullptr;
  if (!EVP_PKEY_get_bn_param(key, param, &raw)) return {};
  const BigNumber number(raw);
  const std::size_t size = width != 0 ? width : static_cast<std::size_t>(BN_num_bytes(number.get()));
  std::string out(size, '\0');
  BN_bn2binpad(number.get(), reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size));
  return out;
}

// r and s side by side, each as wide as the curve's field.
std::string jose_of_der(std::string_view der, std::size_t width) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const EcdsaSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::string out(2 * width, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), bytes, static_cast<int>(width)) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), bytes + width, static_cast<int>(width)) < 0)
    return {};
  return out;
}

std::string der_of_jose(std::string_view jose, std::size_t width) {
  if (jose.size() != 2 * width) return {};
  const auto* bytes = reinterpret_cast<const unsigned char*>(jose.data());
  const EcdsaSignature signature(ECDSA_SIG_new());
  BigNumber r(BN_bin2bn(bytes, static_cast<int>(width), nullptr));
  BigNumber s(BN_bin2bn(bytes + width, static_cast<int>(width), nullptr));
  if (!signature || !r || !s || !ECDSA_SIG_set0(signature.get(), r.get(), s.get())) return {};
  (void)r.release();
  (void)s.release();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return {};
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

// No passphrase is ever asked for on a terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

// The next key in `bio`, whatever block carries it; nullptr at the end. `is_private` says which half was there.
EvpKey next_key(BIO* bio, bool& is_private) {
  while (true) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (!PEM_read_bio(bio, &name, &header, &data, &size)) return nullptr;
    const std::string_view kind(name);
    const unsigned char* at = data;
    EvpKey key;
    is_private = kind.ends_with("PRIVATE KEY");
    if (kind == "RSA PRIVATE KEY")
      key.reset(d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &at, size));
    else if (kind == "EC PRIVATE KEY")
      key.reset(d2i_PrivateKey(EVP_PKEY_EC, nullptr, &at, size));
    else if (kind == "PRIVATE KEY")
      key.reset(d2i_AutoPrivateKey(nullptr, &at, size));
    else if (kind == "PUBLIC KEY")
      key.reset(d2i_PUBKEY(nullptr, &at, size));
    else if (kind == "RSA PUBLIC KEY")
      key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
    else if (kind == "CERTIFICATE") {
      const X509Certificate certificate(d2i_X509(nullptr, &at, size));
      if (certificate) key.reset(X509_get_pubkey(certificate.get()));
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));
    if (key) return key;
  }
}

}  // namespace

Result<PublicKey> KeyAccess::wrap_public(EvpKey key) {
  PublicKey out;
  if (EVP_PKEY_is_a(key.get(), "RSA")) {
    if (EVP_PKEY_get_bits(key.get()) < rsa_bits_min) return bad_request("the RSA key is shorter than 1024 bits");
    out.algorithm_ = "RS256";
  } else if (EVP_PKEY_is_a(key.get(), "EC")) {
    const Curve* curve = curve_of(key.get());
    if (!curve) return bad_request("the EC key is not on P-256, P-384 or P-521");
    out.algorithm_ = curve->algorithm;
  } else {
    return bad_request("the key is neither RSA nor ECDSA");
  }
  out.key_id_ = codec::base64_url(sha256(subject_public_key_info(key.get())));
  auto handle = std::make_shared<detail::KeyHandle>();
  handle->key = std::move(key);
  out.handle_ = std::move(handle);
  return out;
}

Result<PrivateKey> KeyAccess::wrap_private(EvpKey key) {
  PrivateKey out;
  TRY_ASSIGN(out.public_, wrap_public(std::move(key)));
  return out;
}

Result<PrivateKey> PrivateKey::parse_pem(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return bad_request("the PEM text is larger than 1 MiB");
  const Bio bio = memory_bio(pem);
  bool is_private = false;
  while (EvpKey key = next_key(bio.get(), is_private))
    if (is_private) return KeyAccess::wrap_private(std::move(key));
  ERR_clear_error();
  return bad_request("the PEM text holds no private RSA or EC key");
}

Result<PrivateKey> PrivateKey::generate_ec_p256() {
  EvpKey key(EVP_EC_gen("P-256"));
  if (!key) return internal("cannot generate an EC key");
  return KeyAccess::wrap_private(std::move(key));
}

Result<PrivateKey> PrivateKey::generate_rsa(int bits) {
  EvpKey key(EVP_RSA_gen(static_cast<unsigned>(bits)));
  if (!key) return internal("cannot generate an RSA key");
  return KeyAccess::wrap_private(std::move(key));
}

Result<std::string> PrivateKey::sign(std::string_view data) const {
  const DigestContext context(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, digest_of(public_.algorithm()), nullptr, KeyAccess::get(*this)) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, data.size()) != 1)
    return internal("cannot sign");
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, data.size()) != 1)
    return internal("cannot sign");
  signature.resize(size);
  const Curve* curve = curve_named(public_.algorithm());
  return curve ? jose_of_der(signature, curve->coordinate_bytes) : signature;
}

std::string PrivateKey::to_pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), KeyAccess::get(*this), nullptr, nullptr, 0, no_passphrase, nullptr);
  return bio_text(bio.get());
}

bool PublicKey::verify(std::string_view data, std::string_view signature) const {
  std::string der;
  if (const Curve* curve = curve_named(algorithm_)) {
    der = der_of_jose(signature, curve->coordinate_bytes);
    if (der.empty()) return false;
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  const bool good = context && EVP_DigestVerifyInit(context.get(), nullptr, digest_of(algorithm_), nullptr, KeyAccess::get(*this)) == 1 &&
                    EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                                     reinterpret_cast<const unsigned char*>(data.data()), data.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

JsonWebKey PublicKey::json_web_key() const {
  EVP_PKEY* key = KeyAccess::get(*this);
  JsonWebKey out;
  if (const Curve* curve = curve_named(algorithm_)) {
    out.kty = "EC";
    out.crv = curve->jose_name;
    out.x = codec::base64_url(big_number_bytes(key, OSSL_PKEY_PARAM_EC_PUB_X, curve->coordinate_bytes));
    out.y = codec::base64_url(big_number_bytes(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->coordinate_bytes));
  } else {
    out.kty = "RSA";
    out.n = codec::base64_url(big_number_bytes(key, OSSL_PKEY_PARAM_RSA_N, 0));
    out.e = codec::base64_url(big_number_bytes(key, OSSL_PKEY_PARAM_RSA_E, 0));
  }
  return out;
}

Result<std::vector<PublicKey>> parse_public_keys_pem(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return bad_request("the PEM text is larger than 1 MiB");
  const Bio bio = memory_bio(pem);
  std::vector<PublicKey> keys;
  bool is_private = false;
  while (EvpKey key = next_key(bio.get(), is_private)) {
    TRY_ASSIGN(auto wrapped, KeyAccess::wrap_public(std::move(key)));
    keys.push_back(std::move(wrapped));
  }
  ERR_clear_error();
  if (keys.empty()) return bad_request("the PEM text holds no RSA or EC key");
  return keys;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string sha256(std::string_view data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(data.data()), data.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const unsigned char c : bytes) {
    out.push_back(digits[c >> 4]);
    out.push_back(digits[c & 15]);
  }
  return out;
}

}  // namespace pintle::component
