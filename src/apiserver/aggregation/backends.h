// Backends: the way to aggregated servers: where each is, connections to it, and questions that this server asks it for itself. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/aggregation/routes.h"
#include "apiserver/callout/service_resolver.h"
#include "apiserver/types/options.h"
#include "apiserver/types/user_info.h"
#include "base/bytes.h"
#include "base/mutex.h"
#include "net/forwarding_transport.h"
#include "rt/runtime.h"

namespace pintle::apiserver::aggregation {

constexpr std::size_t backend_connections_max = 1024;  // HTTP/1.1, to one server from one executor; beyond: requests wait for one

// Asked as the server itself.
struct Question {
  UserInfo asker;
  std::string path;
  std::string accept;
  std::string etag;           // that is known; "": none
  std::size_t bytes_max = 0;  // of the answer: RequestEntityTooLarge beyond
};
struct Answer {
  int status = 0;
  std::string content_type;
  std::string etag;
  Bytes body;
};

using TransportPtr = std::shared_ptr<net::ForwardingTransport>;

class Backends {
 public:
  // All outlive it.
  Backends(rt::Runtime& runtime, const ApiServerOptions& options, const callout::ServiceResolver& resolver)
      : runtime_(runtime), options_(options), resolver_(resolver) {}

  // "https://host:port", at this moment.
  Result<std::string> origin(const Remote& remote) const { return resolver_.resolve(remote.service); }
  // Connections for its name, its authorities and this server's client certificate; shared by all remotes that have the same. An error says which
  // certificate is no good. Whoever uses it holds it.
  Result<TransportPtr> transport(const Remote& remote);
  // Follows no redirect. The whole answer is there within the context's time.
  rt::Task<Result<Answer>> ask(rt::Context ctx, RemotePtr remote, Question question);

  // Connections that none of these needs end when their last request has.
  rt::Task<void> keep(std::vector<RemotePtr> remotes);
  rt::Task<void> close();

 private:
  rt::Runtime& runtime_;
  const ApiServerOptions& options_;
  const callout::ServiceResolver& resolver_;
  ThreadMutex mutex_;
  std::map<std::string, TransportPtr> transports_ GUARDED_BY(mutex_);
  std::vector<TransportPtr> retired_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::aggregation
