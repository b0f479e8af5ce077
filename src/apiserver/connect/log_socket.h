// A pod's log over WebSocket: each piece that comes is a message, binary, or base64 text where the client asks for it.
#pragma once

#include <memory>

#include "net/http.h"
#include "net/websocket.h"

namespace pintle::apiserver::connect {

// Answers the handshake, sends `body` to its end and closes.
rt::Task<Result<Unit>> send_log_by_websocket(net::Request& request, net::ResponseWriter& writer, rt::Random& random,
                                             std::unique_ptr<net::BodyReader> body);

}  // namespace pintle::apiserver::connect
