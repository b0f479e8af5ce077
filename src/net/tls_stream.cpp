#include "net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstring>

#include "base/ip_address.h"
#include "net/signal.h"
#include "rt/give_way.h"

namespace pintle::net {

namespace {

constexpr std::size_t record_bytes = 16384;
constexpr std::size_t write_batch_bytes = 32 << 10;  // ciphertext of one write() below
constexpr std::size_t keep_out_bytes = 2 << 10;      // capacity kept between writes
constexpr std::size_t read_bytes_idle = 2 << 10;
constexpr std::size_t read_bytes_max = 64 << 10;

// Everything that the BIO and the callbacks of one connection touch.
struct Engine {
  SSL* ssl = nullptr;
  std::string_view in;  // ciphertext not yet taken by OpenSSL
  std::string out;      // ciphertext not yet written
  int verify_error = X509_V_OK;
  bool verified = false;
  bool front_proxy = false;  // verified by those authorities

  ~Engine() { SSL_free(ssl); }
};

int bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  static_cast<Engine*>(BIO_get_data(bio))->out.append(data, size);
  *written = size;
  return 1;
}

int bio_read(BIO* bio, char* data, std::size_t size, std::size_t* taken) {
  auto* engine = static_cast<Engine*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (engine->in.empty()) {
    BIO_set_retry_read(bio);
    *taken = 0;
    return 0;
  }
  *taken = std::min(size, engine->in.size());
  std::memcpy(data, engine->in.data(), *taken);
  engine->in.remove_prefix(*taken);
  return 1;
}

long bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pintle stream");
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_ctrl(made, bio_ctrl);
    return made;
  }();
  return method;
}

int engine_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void free_store(void*, void* store, CRYPTO_EX_DATA*, int, long, void*) { X509_STORE_free(static_cast<X509_STORE*>(store)); }

// Of a server's context: the store of the authorities that sign front proxies' certificates.
int front_proxies_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_store);
  return index;
}

// The same certificates, at the same time and for the same use, by other authorities.
bool verify_front_proxy(SSL* ssl, X509_STORE_CTX* first) {
  auto* authorities = static_cast<X509_STORE*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), front_proxies_index()));
  if (authorities == nullptr) return false;
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> store(X509_STORE_CTX_new(), X509_STORE_CTX_free);
  CHECK(store, "out of memory in X509_STORE_CTX_new");
  if (X509_STORE_CTX_init(store.get(), authorities, X509_STORE_CTX_get0_cert(first), X509_STORE_CTX_get0_untrusted(first)) != 1) return false;
  if (X509_STORE_CTX_set_default(store.get(), "ssl_client") != 1) return false;
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(store.get()), X509_VERIFY_PARAM_get_time(SSL_get0_param(ssl)));
  return X509_verify_cert(store.get()) == 1;
}

int verify_client(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* engine = static_cast<Engine*>(SSL_get_ex_data(ssl, engine_index()));
  engine->verified = X509_verify_cert(store) == 1;
  engine->verify_error = X509_STORE_CTX_get_error(store);
  engine->front_proxy = verify_front_proxy(ssl, store);
  ERR_clear_error();
  return 1;
}

std::string last_tls_error(std::string_view fallback) {
  const unsigned long code = ERR_peek_error();
  const char* text = code ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return text ? std::string(text) : std::string(fallback);
}

}  // namespace

struct TlsStream::Core : std::enable_shared_from_this<Core> {
  Core(TlsContext ctx, std::unique_ptr<rt::Stream> below, rt::WallTime now) : context(std::move(ctx)), lower(std::move(below)) {
    engine.ssl = SSL_new(context.get());
    CHECK(engine.ssl, "out of memory in SSL_new");
    SSL_set_ex_data(engine.ssl, engine_index(), &engine);
    BIO* bio = BIO_new(bio_method());
    BIO_set_data(bio, &engine);
    BIO_set_init(bio, 1);
    SSL_set_bio(engine.ssl, bio, bio);
    X509_VERIFY_PARAM_set_time(SSL_get0_param(engine.ssl),
                               std::chrono::system_clock::to_time_t(std::chrono::time_point_cast<std::chrono::system_clock::duration>(now)));
  }

  // Reads ciphertext from below. False at the end of the stream.
  rt::Task<Result<bool>> fill(rt::Context ctx) {
    if (buffer.size() < want) buffer = std::string(want, '\0');
    auto n = co_await lower->read(ctx, std::span<char>(buffer.data(), want));
    if (!n) co_return Unexpected(n.error());
    engine.in = std::string_view(buffer.data(), *n);
    grow = *n == want;
    co_return *n > 0;
  }
  // Called when all ciphertext is taken: next time a bigger buffer if the last was filled, a small one if it was not.
  void adapt() {
    want = grow ? std::min(want * 4, read_bytes_max) : read_bytes_idle;
    if (!grow && buffer.size() > read_bytes_idle) buffer = std::string();
    grow = false;
  }

  // Writes out what OpenSSL produced. One write is under way at a time; a second caller waits for its own bytes too.
  rt::Task<Result<Unit>> drain(rt::Context ctx) {
    while (writing) co_await written.wait();
    if (failed) co_return error(Reason::ServiceUnavailable, "connection lost");
    if (engine.out.empty()) co_return Unit{};
    writing = true;
    inflight.clear();
    inflight.swap(engine.out);
    auto done = co_await lower->write(ctx, std::string_view(inflight));
    writing = false;
    if (inflight.capacity() > keep_out_bytes) inflight = std::string();
    if (engine.out.empty() && engine.out.capacity() > keep_out_bytes) engine.out = std::string();
    if (!done) failed = true;
    if (waiting > 0) written.notify();
    co_return done;
  }
  rt::Task<Result<Unit>> flush(rt::Context ctx) {
    while (!engine.out.empty() || writing) {
      ++waiting;
      auto done = co_await drain(ctx);
      --waiting;
      if (!done) co_return done;
    }
    co_return Unit{};
  }

  Result<Unit> encrypt(std::string_view data) {
    if (data.empty()) return Unit{};
    if (shut) return error(Reason::ServiceUnavailable, "write after shutdown");
    std::size_t done = 0;
    ERR_clear_error();
    if (SSL_write_ex(engine.ssl, data.data(), data.size(), &done) != 1 || done != data.size()) {
      failed = true;
      return error(Reason::ServiceUnavailable, "TLS: " + last_tls_error("connection lost"));
    }
    return Unit{};
  }

  static rt::Task<void> say_goodbye(std::shared_ptr<Core> core) {
    (void)co_await core->flush(rt::Context::background());
    core->lower->shutdown_write();
  }

  TlsContext context;
  std::unique_ptr<rt::Stream> lower;
  Engine engine;
  std::string buffer;
  std::size_t want = read_bytes_idle;
  bool grow = false;
  std::string inflight;
  Signal written;
  int waiting = 0;
  bool writing = false;
  bool failed = false;
  bool shut = false;
};

TlsStream::TlsStream(std::shared_ptr<Core> core) : core_(std::move(core)) {}
TlsStream::~TlsStream() { core_->lower->close(); }

std::unique_ptr<TlsStream> TlsStream::server(TlsContext context, std::unique_ptr<rt::Stream> lower, rt::WallTime now) {
  auto core = std::make_shared<Core>(std::move(context), std::move(lower), now);
  SSL_set_accept_state(core->engine.ssl);
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(core)));
}

std::unique_ptr<TlsStream> TlsStream::client(TlsContext context, std::unique_ptr<rt::Stream> lower, rt::WallTime now, std::string name, bool http2) {
  auto core = std::make_shared<Core>(std::move(context), std::move(lower), now);
  SSL* ssl = core->engine.ssl;
  SSL_set_connect_state(ssl);
  if (const auto address = parse_address(name)) {
    const std::string_view bytes = address->wire();
    X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  } else {
    SSL_set_tlsext_host_name(ssl, name.c_str());
    SSL_set1_host(ssl, name.c_str());
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  }
  static constexpr unsigned char both[] = "\x02h2\x08http/1.1";
  static constexpr unsigned char one[] = "\x08http/1.1";
  SSL_set_alpn_protos(ssl, http2 ? both : one, http2 ? sizeof both - 1 : sizeof one - 1);
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(core)));
}

rt::Task<Result<Unit>> TlsStream::handshake(rt::Context ctx) {
  auto core = core_;
  while (true) {
    ERR_clear_error();
    const int outcome = SSL_do_handshake(core->engine.ssl);
    const int why = SSL_get_error(core->engine.ssl, outcome);
    std::string reason;
    if (outcome != 1 && why != SSL_ERROR_WANT_READ) {
      const long verify = SSL_get_verify_result(core->engine.ssl);
      reason = last_tls_error("handshake failed");
      if (verify != X509_V_OK && !SSL_is_server(core->engine.ssl))
        reason = std::string("certificate verify failed: ") + X509_verify_cert_error_string(verify);
    }
    auto sent = co_await core->flush(ctx);  // an alert too
    if (!reason.empty()) co_return error(Reason::ServiceUnavailable, "TLS: " + reason);
    if (!sent) co_return sent;
    if (outcome == 1) co_return Unit{};
    core->want = read_bytes_max / 8;
    auto more = co_await core->fill(ctx);
    if (!more) co_return Unexpected(more.error());
    if (!*more) co_return error(Reason::ServiceUnavailable, "TLS: the peer closed the connection in the handshake");
  }
}

rt::Task<Result<std::size_t>> TlsStream::read(rt::Context ctx, std::span<char> out) {
  auto core = core_;
  while (true) {
    std::size_t n = 0;
    ERR_clear_error();
    if (SSL_read_ex(core->engine.ssl, out.data(), out.size(), &n) == 1) co_return n;
    const int why = SSL_get_error(core->engine.ssl, 0);
    if (why == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
    if (why != SSL_ERROR_WANT_READ) {
      auto reason = last_tls_error("connection lost");
      if (!core->engine.out.empty() && !core->writing) (void)co_await core->flush(ctx);
      co_return error(Reason::ServiceUnavailable, "TLS: " + reason);
    }
    // An answer to a key update; if a write is under way, the writer takes it along.
    if (!core->engine.out.empty() && !core->writing) {
      CO_TRY(co_await core->flush(ctx));
    }
    core->adapt();
    auto more = co_await core->fill(ctx);
    if (!more) co_return Unexpected(more.error());
    if (!*more) co_return error(Reason::ServiceUnavailable, "TLS: the peer closed the connection without a close alert");
  }
}

rt::Task<Result<Unit>> TlsStream::write(rt::Context ctx, std::string_view data) {
  auto core = core_;
  while (!data.empty()) {
    const auto part = data.substr(0, write_batch_bytes);
    data.remove_prefix(part.size());
    CO_TRY(core->encrypt(part));
    CO_TRY(co_await core->flush(ctx));
    if (!data.empty()) co_await rt::give_way();
  }
  co_return Unit{};
}

// Pieces are packed into full records: a record costs more than copying a few KB.
rt::Task<Result<Unit>> TlsStream::write(rt::Context ctx, std::vector<Bytes> data) {
  auto core = core_;
  std::string staging;
  for (std::size_t i = 0; i < data.size(); ++i) {
    std::string_view rest = data[i].view();
    const bool last = i + 1 == data.size();
    while (!rest.empty()) {
      if (staging.empty() && (rest.size() >= record_bytes || last)) {
        const auto whole = last ? rest.size() : rest.size() / record_bytes * record_bytes;
        const auto part = rest.substr(0, std::min(whole, write_batch_bytes));
        rest.remove_prefix(part.size());
        CO_TRY(core->encrypt(part));
      } else {
        if (staging.capacity() < record_bytes) staging.reserve(record_bytes);
        const auto part = rest.substr(0, record_bytes - staging.size());
        rest.remove_prefix(part.size());
        staging.append(part);
        if (staging.size() == record_bytes) {
          CO_TRY(core->encrypt(staging));
          staging.clear();
        }
      }
      if (core->engine.out.size() >= write_batch_bytes) {
        CO_TRY(co_await core->flush(ctx));
        co_await rt::give_way();  // a peer that takes all at once would have the executor for megabytes
      }
    }
    data[i] = Bytes();
  }
  CO_TRY(core->encrypt(staging));
  co_return co_await core->flush(ctx);
}

void TlsStream::shutdown_write() {
  if (core_->shut) return;
  core_->shut = true;
  ERR_clear_error();
  SSL_shutdown(core_->engine.ssl);
  ERR_clear_error();
  run_detached(Core::say_goodbye(core_));
}

void TlsStream::close() { core_->lower->close(); }
rt::Endpoint TlsStream::local() const { return core_->lower->local(); }
rt::Endpoint TlsStream::remote() const { return core_->lower->remote(); }

std::string_view TlsStream::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(core_->engine.ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::vector<std::string> TlsStream::verified_chain() const {
  std::vector<std::string> chain;
  SSL* ssl = core_->engine.ssl;
  if (SSL_is_server(ssl) && !core_->engine.verified) return chain;
  const STACK_OF(X509)* certificates = SSL_get0_verified_chain(ssl);
  for (int i = 0; certificates && i < sk_X509_num(certificates); ++i) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(sk_X509_value(certificates, i), &der);
    if (size <= 0) return {};
    chain.emplace_back(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  return chain;
}

std::string TlsStream::front_proxy() const {
  if (!core_->engine.front_proxy) return "";
  const X509* leaf = SSL_get0_peer_certificate(core_->engine.ssl);
  unsigned char* der = nullptr;
  const int size = leaf == nullptr ? 0 : i2d_X509(leaf, &der);
  if (size <= 0) return "";
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::string TlsStream::peer_error() const {
  const Engine& engine = core_->engine;
  if (engine.verified || engine.verify_error == X509_V_OK) return "";
  return X509_verify_cert_error_string(engine.verify_error);
}

void set_front_proxy_authorities(ssl_ctx_st* context, x509_store_st* store) { SSL_CTX_set_ex_data(context, front_proxies_index(), store); }

void accept_any_client_certificate(ssl_ctx_st* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify_client, nullptr);
}

}  // namespace pintle::net
