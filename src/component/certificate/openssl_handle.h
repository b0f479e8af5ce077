// OpenSSL's objects with owners, for the .cpp files of this folder alone.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "component/certificate/keys.h"

namespace pintle::component {

template <auto Free>
struct OpensslDelete {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using EvpKey = std::unique_ptr<EVP_PKEY, OpensslDelete<EVP_PKEY_free>>;
using EvpContext = std::unique_ptr<EVP_PKEY_CTX, OpensslDelete<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, OpensslDelete<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, OpensslDelete<BIO_free_all>>;
using BigNumber = std::unique_ptr<BIGNUM, OpensslDelete<BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, OpensslDelete<ECDSA_SIG_free>>;
using X509Certificate = std::unique_ptr<X509, OpensslDelete<X509_free>>;
using X509Request = std::unique_ptr<X509_REQ, OpensslDelete<X509_REQ_free>>;

namespace detail {
struct KeyHandle {
  EvpKey key;
};
}  // namespace detail

// How the other files of this folder reach a key's OpenSSL object.
struct KeyAccess {
  static EVP_PKEY* get(const PublicKey& key) { return key.handle_->key.get(); }
  static EVP_PKEY* get(const PrivateKey& key) { return key.public_.handle_->key.get(); }
  static Result<PublicKey> wrap_public(EvpKey key);
  static Result<PrivateKey> wrap_private(EvpKey key);
};

inline Bio memory_bio(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }
inline std::string bio_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace pintle::component
