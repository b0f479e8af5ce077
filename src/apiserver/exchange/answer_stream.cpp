#include "apiserver/exchange/answer_stream.h"

#include "apiserver/exchange/responses.h"

namespace pintle::apiserver::exchange {

AnswerStream::AnswerStream(Exchange& exchange, std::string_view content_type, std::size_t expected_bytes)
    : exchange_(exchange), content_type_(content_type), pretty_(wants_pretty(exchange) && content_type == "application/json") {
  if (!pretty_ && expected_bytes >= gzip_bytes_min && accepts_gzip(exchange.request.headers.get("accept-encoding")))
    gzip_ = std::make_unique<GzipStream>();
}

rt::Task<Result<Unit>> AnswerStream::flush(bool last) {
  // The whole of a short or an indented answer goes out at once, with its length.
  if (!started_ && last && !gzip_) {
    co_await answer_pieces(exchange_, 200, content_type_, std::move(pending_));
    co_return Unit{};
  }
  if (pretty_ && !last) co_return Unit{};
  if (!started_) {
    started_ = true;
    exchange_.status = 200;
    net::Headers& headers = exchange_.writer.headers();
    add_common_headers(exchange_, content_type_);
    if (gzip_) {
      headers.set("content-encoding", "gzip");
      headers.set("vary", "Accept-Encoding");
    }
    CO_TRY(co_await exchange_.writer.start(200));
  }
  std::vector<Bytes> batch = std::move(pending_);
  pending_.clear();
  pending_bytes_ = 0;
  if (gzip_) {
    std::string out;
    for (const Bytes& piece : batch) gzip_->compress(piece.view(), false, out);
    if (last) gzip_->compress({}, true, out);
    batch.clear();
    if (!out.empty()) batch.emplace_back(std::move(out));
  }
  for (const Bytes& piece : batch) exchange_.answered_bytes += piece.size();
  if (batch.empty()) co_return Unit{};
  co_return co_await exchange_.writer.write(std::move(batch));
}

}  // namespace pintle::apiserver::exchange
