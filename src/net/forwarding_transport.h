// What forwarding needs of a transport beyond a component's own requests: bodies that are sent as they come, and an address that was
// chosen before.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/client.h"

namespace pintle::net {

struct ForwardedRequest {
  ClientRequest head;  // its body, if `body` is nullptr
  // Read piece by piece, as the server takes them. The transport keeps it until the exchange is over, and reads with a context that is done by
  // then. Such a request is never sent twice. Not for an upgrade.
  std::shared_ptr<BodyReader> body;
  std::optional<uint64_t> body_bytes;  // nullopt: not known
  std::string address;                 // connect there, whatever the URL's host resolves to: numeric, or a name to resolve; "": resolve the host
  // Whatever its method, it may come twice: it is sent again where a kept connection turns out to be closed before an answer began.
  bool repeatable = false;
  uint16_t port = 0;  // the same of the URL's port; 0: the URL's
};

class ForwardingTransport : public Transport {
 public:
  virtual rt::Task<Result<Response>> forward(rt::Context ctx, ForwardedRequest request) = 0;
};

// As make_transport().
Result<std::unique_ptr<ForwardingTransport>> make_forwarding_transport(rt::Runtime& runtime, ClientOptions options);

}  // namespace pintle::net
