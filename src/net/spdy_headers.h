// SPDY's header blocks: names and values, compressed by zlib with SPDY's dictionary and one state a direction, which
// lasts as long as the connection: every block must pass through in order, wanted or not.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace pintle::net {

// Names in lower case on the wire.
using SpdyHeaders = std::vector<std::pair<std::string, std::string>>;
constexpr std::size_t spdy_headers_bytes_max = 64 << 10;  // of a block when expanded; a larger one ends the session

// The value of `name` (lower case), or "".
std::string_view spdy_header(const SpdyHeaders& headers, std::string_view name);

// The plain form of a block. Reading fails on a malformed one: lengths past the end, empty or repeated names.
std::string format_spdy_block(const SpdyHeaders& headers);
Result<SpdyHeaders> parse_spdy_block(std::string_view block);

class SpdyDeflater {
 public:
  SpdyDeflater();
  ~SpdyDeflater();
  std::string compress(const SpdyHeaders& headers);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class SpdyInflater {
 public:
  SpdyInflater();
  ~SpdyInflater();
  // BadRequest: no valid zlib data, or past the limit. Nothing more can be read after an error.
  Result<SpdyHeaders> expand(std::string_view compressed);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pintle::net
