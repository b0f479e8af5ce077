// The token with which a client asks for the next page: base64url of {"v":"meta.k8s.io/v1","rv":N,"start":KEY}, as
// upstream writes it, so that a client may page across a take-over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::apiserver::registry {

struct ContinueToken {
  int64_t revision = 0;  // that of the first page; -1: whatever is newest
  std::string start;     // the first key of the next page, below the resource's prefix ("default/web-1\0")
};

std::string encode_continue(const ContinueToken& token);
// BadRequest for anything that encode_continue could not have written, or that climbs out of the prefix.
Result<ContinueToken> decode_continue(std::string_view text);

}  // namespace pintle::apiserver::registry
