// AnswerStream: a long answer that is produced and sent a batch at a time, compressed where asked, so that a list of
// any length costs bounded memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/exchange/exchange.h"
#include "apiserver/exchange/gzip.h"
#include "base/bytes.h"
#include "base/status.h"
#include "rt/task.h"

namespace pintle::apiserver::exchange {

class AnswerStream {
 public:
  // `expected_bytes` decides whether compressing pays. Nothing is sent before the first batch is full.
  AnswerStream(Exchange& exchange, std::string_view content_type, std::size_t expected_bytes);

  void add(Bytes piece) {
    pending_bytes_ += piece.size();
    pending_.push_back(std::move(piece));
  }
  // Small pieces of static text, or text that is gathered with others.
  void add_text(std::string_view text) { add(Bytes::copy(text)); }
  bool full() const { return pending_bytes_ >= batch_bytes || pending_.size() >= batch_pieces; }
  // Sends what is pending. An error: the peer is gone, stop.
  rt::Task<Result<Unit>> flush(bool last);

 private:
  static constexpr std::size_t batch_bytes = 256 << 10;
  static constexpr std::size_t batch_pieces = 768;

  Exchange& exchange_;
  std::string content_type_;
  std::unique_ptr<GzipStream> gzip_;
  bool pretty_ = false;
  bool started_ = false;
  std::vector<Bytes> pending_;
  std::size_t pending_bytes_ = 0;
};

}  // namespace pintle::apiserver::exchange
