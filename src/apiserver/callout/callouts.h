// Callouts: the calls to webhooks. Nothing of this server's own identity goes with them: what a target is shown, a file that is for it says.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "apiserver/callout/service_resolver.h"
#include "base/bytes.h"
#include "base/mutex.h"
#include "base/status.h"
#include "net/forwarding_transport.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"

namespace pintle::client {
struct Credentials;
}  // namespace pintle::client

namespace pintle::apiserver::callout {

constexpr std::size_t answer_bytes_max = 16 << 20;  // of one answer, then an error
constexpr std::size_t trusts_max = 128;             // CA bundles and client certificates whose connections are kept; the longest unused goes
constexpr rt::Duration trust_unused_max = std::chrono::minutes(5);  // then its certificates are forgotten, at the next call of any target

constexpr rt::Duration credentials_age_max = std::chrono::minutes(1);  // then the files of credentials are read again; as client-go

// What a WebhookClientConfig says. `url` without a service, `service` and `path` without a URL.
struct Target {
  std::string url;
  std::optional<ServiceName> service;
  std::string path;                                                  // of the service: "/validate"
  std::string ca_bundle;                                             // PEM; "": the system's roots
  std::string query;                                                 // "timeout=10s"
  std::shared_ptr<const client::Credentials> credentials = nullptr;  // nullptr: none
};

// Thread-safe. Connections are kept per server and CA bundle, HTTP/1.1 as upstream's, which spreads calls over a service's endpoints.
class Callouts {
 public:
  // Both outlive it.
  Callouts(rt::Runtime& runtime, const ServiceResolver& resolver) : runtime_(runtime), resolver_(resolver) {}
  ~Callouts();

  // POSTs JSON and gives the JSON of the answer. An error's message is upstream's; Timeout: of `ctx` or `timeout`; Cancelled: of `ctx`. `target`
  // outlives the task.
  rt::Task<Result<Bytes>> post(rt::Context ctx, const Target& target, Bytes body, rt::Duration timeout, std::size_t answer_max = answer_bytes_max);
  // Ends every connection. Await it before destroying the callouts; no post() after it.
  rt::Task<void> close();

 private:
  using TransportPtr = std::shared_ptr<net::ForwardingTransport>;
  struct Trust {
    TransportPtr transport;
    rt::TimePoint used_at{};
  };
  struct Shown {
    std::shared_ptr<const client::Credentials> given, now;
    rt::TimePoint read_at{};
  };
  // What is to be shown of a target's, by what its files held at most credentials_age_max ago. nullptr: nothing.
  rt::Task<std::shared_ptr<const client::Credentials>> credentials(const Target& target);
  Result<TransportPtr> transport(const Target& target, const client::Credentials* shown);
  void forget_unused(rt::TimePoint now) REQUIRES(mutex_);

  rt::Runtime& runtime_;
  const ServiceResolver& resolver_;
  ThreadMutex mutex_;
  std::map<std::pair<std::string, std::string>, Trust> trusts_ GUARDED_BY(mutex_);  // by CA bundle, and certificate and key of a client
  std::map<const client::Credentials*, Shown> shown_ GUARDED_BY(mutex_);            // of those that have files, by what the target has
};

}  // namespace pintle::apiserver::callout
