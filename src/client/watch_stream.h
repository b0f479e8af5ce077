// The watch over an HTTP body: protobuf frames or JSON lines, by the answer's content type. Internal to the client.
#pragma once

#include <memory>
#include <string_view>

#include "api/type.h"
#include "client/watch.h"
#include "net/http.h"

namespace pintle::client {

std::unique_ptr<Watch> make_watch(const api::Type& type, std::string_view content_type, std::unique_ptr<net::BodyReader> body);

}  // namespace pintle::client
