// Port-forward of WebSocket clients: they speak SPDY inside binary messages (SPDY/3.1+portforward.k8s.io). The bytes are
// carried to and from the kubelet's SPDY connection as they are.
#pragma once

#include <string>

#include "net/http.h"
#include "rt/runtime.h"

namespace pintle::apiserver::connect {

bool wants_tunnel(const net::Request& request);
// Connects to the kubelet, then accepts the WebSocket with the protocol that the kubelet chose, and carries bytes until
// one side ends. A kubelet's refusal is passed back. An error means that nothing was answered yet.
rt::Task<Result<Unit>> tunnel_spdy(rt::Context ctx, net::Request& request, net::ResponseWriter& writer, rt::Runtime& runtime, net::Transport& kubelet,
                                   std::string url);

}  // namespace pintle::apiserver::connect
