// Gzip of answers, level 1: the point is bandwidth at little CPU.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace pintle::apiserver::exchange {

// A stream being compressed. CHECKs only zlib's own promises.
class GzipStream {
 public:
  GzipStream();
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;
  // Appends what `input` compresses to so far; `last` ends the stream.
  void compress(std::string_view input, bool last, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Accept-Encoding names gzip (or *), not with q=0.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace pintle::apiserver::exchange
