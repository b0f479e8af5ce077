#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/tls_stream.h"

namespace pintle::net {

namespace {

constexpr std::size_t pem_bytes_max = 16 << 20;
constexpr int chain_certificates_max = 64;

std::string tls_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return text ? text : "no reason given";
}

Result<std::string> read_pem(rt::Disk& disk, const std::string& path) {
  auto text = disk.read(path, pem_bytes_max);
  if (!text) return bad_request("reading " + path + ": " + text.error().message);
  return text;
}

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
Bio memory_bio(const std::string& pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free); }
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
Certificate next_certificate(BIO* bio) { return Certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), X509_free); }

Result<Unit> use_certificate(SSL_CTX* ctx, const std::string& pem, const std::string& what) {
  ERR_clear_error();
  auto bio = memory_bio(pem);
  auto leaf = next_certificate(bio.get());
  if (!leaf) return bad_request(what + ": no certificate in PEM form: " + tls_reason());
  if (SSL_CTX_use_certificate(ctx, leaf.get()) != 1) return bad_request(what + ": " + tls_reason());
  for (int i = 0; i < chain_certificates_max; ++i) {
    auto issuer = next_certificate(bio.get());
    if (!issuer) break;
    if (SSL_CTX_add0_chain_cert(ctx, issuer.get()) != 1) return bad_request(what + ": " + tls_reason());
    (void)issuer.release();
  }
  ERR_clear_error();
  return Unit{};
}

Result<Unit> use_key(SSL_CTX* ctx, const std::string& pem, const std::string& what) {
  ERR_clear_error();
  auto bio = memory_bio(pem);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  if (!key) return bad_request(what + ": no private key in PEM form: " + tls_reason());
  if (SSL_CTX_use_PrivateKey(ctx, key.get()) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
    return bad_request(what + ": the private key does not belong to the certificate: " + tls_reason());
  }
  return Unit{};
}

// Adds every certificate of `pem` to `store` as an anchor, and for a server to the names that it tells clients.
Result<Unit> trust(SSL_CTX* ctx, X509_STORE* store, const std::string& pem, const std::string& what, bool announce) {
  ERR_clear_error();
  auto bio = memory_bio(pem);
  int count = 0;
  while (auto anchor = next_certificate(bio.get())) {
    X509_STORE_add_cert(store, anchor.get());
    if (announce) SSL_CTX_add_client_CA(ctx, anchor.get());
    ++count;
  }
  if (count == 0) return bad_request(what + ": no certificate in PEM form: " + tls_reason());
  // A certificate in the file that is no root anchors a chain too, as Go's pools do.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  return Unit{};
}

// OpenSSL's list for the IANA names, TLS 1.2 only: those of 1.3 are always on.
Result<std::string> cipher_list(SSL_CTX* ctx, const std::vector<std::string>& names) {
  SSL_CTX_set_cipher_list(ctx, "ALL:!aNULL:!eNULL");
  const STACK_OF(SSL_CIPHER)* all = SSL_CTX_get_ciphers(ctx);
  std::string list;
  for (const auto& name : names) {
    bool found = false;
    for (int i = 0; i < sk_SSL_CIPHER_num(all) && !found; ++i) {
      const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(all, i);
      const char* standard = SSL_CIPHER_standard_name(cipher);
      // Go spells two of them without the hash.
      if (!standard || (name != standard && name + "_SHA256" != standard)) continue;
      found = true;
      if (std::string_view(SSL_CIPHER_get_version(cipher)) == "TLSv1.3") continue;
      if (!list.empty()) list += ':';
      list += SSL_CIPHER_get_name(cipher);
    }
    if (!found) return bad_request("unknown or unsafe cipher suite " + name);
  }
  return list;
}

constexpr const char* default_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA";

TlsContext new_context(const SSL_METHOD* method) {
  TlsContext made(SSL_CTX_new(method), SSL_CTX_free);
  CHECK(made, "out of memory in SSL_CTX_new");
  SSL_CTX* ctx = made.get();
  // Idle connections give their buffers back; no renegotiation, no compression, no session memory.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, 0);
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  return made;
}

// The server's protocol order. A client that names neither is refused, as Go's server does.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_len, const unsigned char* in, unsigned in_len, void*) {
  static constexpr unsigned char ours[] = "\x02h2\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, in, in_len) != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<TlsContext> make_server_tls(rt::Disk& disk, const ServerTls& tls) {
  auto made = new_context(TLS_server_method());
  SSL_CTX* ctx = made.get();
  if (tls.min_version >= 13) SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
  std::string ciphers = default_ciphers;
  if (!tls.cipher_suites.empty()) {
    TRY_ASSIGN(ciphers, cipher_list(ctx, tls.cipher_suites));
  }
  if (ciphers.empty()) {
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);  // only suites of 1.3 were named
  } else if (SSL_CTX_set_cipher_list(ctx, ciphers.c_str()) != 1) {
    return bad_request("cipher suites: " + tls_reason());
  }
  TRY_ASSIGN(const std::string cert, read_pem(disk, tls.cert_file));
  TRY_ASSIGN(const std::string key, read_pem(disk, tls.key_file));
  TRY(use_certificate(ctx, cert, tls.cert_file));
  TRY(use_key(ctx, key, tls.key_file));
  if (!tls.client_ca_file.empty()) {
    TRY_ASSIGN(const std::string ca, read_pem(disk, tls.client_ca_file));
    TRY(trust(ctx, SSL_CTX_get_cert_store(ctx), ca, tls.client_ca_file, true));
  }
  X509_STORE* front_proxies = nullptr;
  if (!tls.front_proxy_ca_file.empty()) {
    TRY_ASSIGN(const std::string ca, read_pem(disk, tls.front_proxy_ca_file));
    front_proxies = X509_STORE_new();
    CHECK(front_proxies, "out of memory in X509_STORE_new");
    set_front_proxy_authorities(ctx, front_proxies);
    TRY(trust(ctx, front_proxies, ca, tls.front_proxy_ca_file, true));
  }
  if (!tls.client_ca_file.empty() || front_proxies != nullptr) accept_any_client_certificate(ctx);
  SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, nullptr);
  return made;
}

Result<TlsContext> make_client_tls(rt::Disk& disk, const ClientOptions& options) {
  auto made = new_context(TLS_client_method());
  SSL_CTX* ctx = made.get();
  if (options.insecure_skip_verify) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
  } else {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    if (!options.ca_pem.empty()) {
      TRY(trust(ctx, SSL_CTX_get_cert_store(ctx), options.ca_pem, "CA data", false));
    } else if (!options.ca_file.empty()) {
      TRY_ASSIGN(const std::string ca, read_pem(disk, options.ca_file));
      TRY(trust(ctx, SSL_CTX_get_cert_store(ctx), ca, options.ca_file, false));
    } else {
      SSL_CTX_set_default_verify_paths(ctx);
    }
  }
  std::string cert = options.cert_pem, key = options.key_pem;
  if (cert.empty() && !options.cert_file.empty()) {
    TRY_ASSIGN(cert, read_pem(disk, options.cert_file));
    TRY_ASSIGN(key, read_pem(disk, options.key_file.empty() ? options.cert_file : options.key_file));
  }
  if (!cert.empty()) {
    TRY(use_certificate(ctx, cert, options.cert_file.empty() ? "client certificate" : options.cert_file));
    TRY(use_key(ctx, key, options.key_file.empty() ? "client key" : options.key_file));
  }
  return made;
}

std::vector<std::string> tls_files(const ServerTls& tls) {
  std::vector<std::string> files{tls.cert_file, tls.key_file};
  if (!tls.client_ca_file.empty()) files.push_back(tls.client_ca_file);
  if (!tls.front_proxy_ca_file.empty()) files.push_back(tls.front_proxy_ca_file);
  return files;
}

std::vector<std::string> tls_files(const ClientOptions& options) {
  std::vector<std::string> files;
  for (const auto* file : {&options.ca_file, &options.cert_file, &options.key_file}) {
    if (!file->empty()) files.push_back(*file);
  }
  return files;
}

}  // namespace pintle::net
