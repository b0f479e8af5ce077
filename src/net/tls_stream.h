// TlsStream: TLS over any byte stream, by OpenSSL with our own memory BIO, so that the simulated network serves too.
// Small buffers while idle; many writes become few records and few system calls. One executor.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/tls_context.h"
#include "rt/network.h"

struct x509_store_st;

namespace pintle::net {

class TlsStream final : public rt::Stream {
 public:
  // `now` is what certificates are checked against.
  static std::unique_ptr<TlsStream> server(TlsContext context, std::unique_ptr<rt::Stream> lower, rt::WallTime now);
  // `name` is a DNS name (sent as SNI) or an IP address; the certificate must carry it, if certificates are verified.
  static std::unique_ptr<TlsStream> client(TlsContext context, std::unique_ptr<rt::Stream> lower, rt::WallTime now, std::string name, bool http2);

  ~TlsStream() override;
  // Before anything else. Errors: ServiceUnavailable with the reason; Cancelled/Timeout from `ctx`.
  rt::Task<Result<Unit>> handshake(rt::Context ctx);
  // "h2", "http/1.1" or "".
  std::string_view protocol() const;
  // The peer's chain as it was verified, leaf first, DER; empty if it showed none or did not verify.
  std::vector<std::string> verified_chain() const;
  // The peer's leaf, DER, if the authorities of front proxies have signed it; "" if not.
  std::string front_proxy() const;
  // Why the certificate that the peer showed is no identity; "" if it is one or none was shown.
  std::string peer_error() const;

  rt::Task<Result<std::size_t>> read(rt::Context ctx, std::span<char> out) override;
  rt::Task<Result<Unit>> write(rt::Context ctx, std::string_view data) override;
  rt::Task<Result<Unit>> write(rt::Context ctx, std::vector<Bytes> data) override;
  // Sends close_notify, then the end of the stream, in the background.
  void shutdown_write() override;
  void close() override;
  rt::Endpoint local() const override;
  rt::Endpoint remote() const override;

 private:
  struct Core;
  explicit TlsStream(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;  // shared with the task that sends close_notify
};

// Server: asks clients for a certificate and lets the handshake pass whatever they show; the outcome of the
// verification is kept with the connection.
void accept_any_client_certificate(ssl_ctx_st* context);
// Besides its own anchors: those that sign front proxies' certificates. The context takes the store.
void set_front_proxy_authorities(ssl_ctx_st* context, x509_store_st* store);

}  // namespace pintle::net
