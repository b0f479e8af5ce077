// Exec and attach of WebSocket clients: the client's channels (v5.channel.k8s.io) become streams of a SPDY connection to
// the kubelet, which every kubelet and runtime understands.
#pragma once

#include <string>

#include "net/http.h"
#include "rt/runtime.h"

namespace pintle::apiserver::connect {

inline constexpr std::string_view stream_close_protocol = "v5.channel.k8s.io";

struct TranslatedStreams {
  bool stdin = false;
  bool stdout = false;
  bool stderr = false;
  bool tty = false;
};

// Whether the client asks for the protocol that is translated; others go to the kubelet as they come.
bool wants_stream_translation(const net::Request& request);
// Accepts the WebSocket and serves it until one side ends or `ctx` is done. What goes wrong behind it is told on its error
// channel.
rt::Task<Result<Unit>> translate_streams(rt::Context ctx, net::Request& request, net::ResponseWriter& writer, rt::Runtime& runtime,
                                         net::Transport& kubelet, std::string url, TranslatedStreams streams);

// The status that the client is told, from what the runtime wrote on its error stream (JSON of a Status; "": success).
std::string translated_status(std::string_view error_stream);

}  // namespace pintle::apiserver::connect
