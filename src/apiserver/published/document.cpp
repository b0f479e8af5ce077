#include "apiserver/published/document.h"

#include <functional>

#include "apiserver/exchange/gzip.h"
#include "apiserver/exchange/responses.h"

namespace pintle::apiserver::published {
namespace {

// Writes text and pieces in the encoding that the client takes.
class Sender {
 public:
  Sender(exchange::Exchange& exchange, bool gzip) : exchange_(exchange), gzip_(gzip) {}

  rt::Task<Result<Unit>> begin() {
    if (!gzip_) return done();
    return write(GzipFrame::head());
  }
  rt::Task<Result<Unit>> literal(std::string_view text) {
    if (text.empty()) return done();
    return write(gzip_ ? frame_.literal(text) : std::string(text));
  }
  rt::Task<Result<Unit>> piece(std::shared_ptr<const Packed> packed, std::size_t index) {
    const Packed::Piece& piece = packed->pieces()[index];
    if (!gzip_) return write(unpack(piece));
    frame_.add(piece);
    return write_bytes(Bytes(std::move(packed), piece.deflated));
  }
  rt::Task<Result<Unit>> end() {
    if (!gzip_) return done();
    return write(frame_.tail());
  }

 private:
  static rt::Task<Result<Unit>> done() { co_return Unit{}; }
  rt::Task<Result<Unit>> write(std::string text) { return write_bytes(Bytes(std::move(text))); }
  rt::Task<Result<Unit>> write_bytes(Bytes bytes) {
    exchange_.answered_bytes += bytes.size();
    std::vector<Bytes> batch;
    batch.push_back(std::move(bytes));
    co_return co_await exchange_.writer.write(std::move(batch));
  }

  exchange::Exchange& exchange_;
  const bool gzip_;
  GzipFrame frame_;
};

// Whether compressing it pays.
bool is_large(const Document& document) {
  std::size_t bytes = 0;
  for (const Stretch& stretch : document.stretches) {
    if (stretch.kind) return true;
    bytes += stretch.packed ? stretch.packed->bytes() : 0;
  }
  return bytes >= exchange::gzip_bytes_min;
}

rt::Task<std::shared_ptr<const Packed>> packed_of(rt::Runtime& runtime, const Stretch& stretch, apimachinery::openapi::Form form) {
  if (!stretch.kind) co_return stretch.packed;
  auto part = stretch.kind->kept(form);
  if (!part) {
    std::function<void()> work = [&part, &stretch, form] { part = stretch.kind->part(form); };
    co_await runtime.run_blocking(std::move(work));
  }
  const Packed& section = stretch.section == Section::Paths ? part->paths : part->definitions;
  co_return std::shared_ptr<const Packed>(part, &section);
}

rt::Task<Result<Unit>> write(rt::Runtime& runtime, Sender& sender, std::shared_ptr<const Document> document) {
  CO_TRY(co_await sender.begin());
  for (const Stretch& stretch : document->stretches) {
    CO_TRY(co_await sender.literal(stretch.literal));
    const std::shared_ptr<const Packed> packed = co_await packed_of(runtime, stretch, document->form);
    if (!packed) continue;
    for (std::size_t i = 0; i < packed->pieces().size(); ++i) CO_TRY(co_await sender.piece(packed, i));
  }
  co_return co_await sender.end();
}

}  // namespace

std::string text_of(const Document& document) {
  std::string out;
  const auto add = [&out](const Packed& packed) {
    for (const Packed::Piece& piece : packed.pieces()) out += unpack(piece);
  };
  for (const Stretch& stretch : document.stretches) {
    out += stretch.literal;
    if (stretch.packed) add(*stretch.packed);
    if (!stretch.kind) continue;
    auto part = stretch.kind->kept(document.form);
    if (!part) part = stretch.kind->part(document.form);
    add(stretch.section == Section::Paths ? part->paths : part->definitions);
  }
  return out;
}

bool names_tag(std::string_view if_none_match, std::string_view etag) {
  if (etag.empty()) return false;
  while (!if_none_match.empty()) {
    const std::size_t comma = std::min(if_none_match.find(','), if_none_match.size());
    std::string_view one = if_none_match.substr(0, comma);
    if_none_match.remove_prefix(std::min(comma + 1, if_none_match.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag || one == "*") return true;
  }
  return false;
}

rt::Task<void> answer_not_modified(exchange::Exchange& exchange, std::string etag) {
  net::Headers& headers = exchange.writer.headers();
  headers.set("etag", std::move(etag));
  if (!headers.has("cache-control")) headers.set("cache-control", "no-cache, private");
  exchange.status = 304;
  auto started = co_await exchange.writer.start(304);
  (void)started;  // whoever has gone needs no answer
}

rt::Task<void> send(rt::Runtime& runtime, exchange::Exchange& exchange, std::shared_ptr<const Document> document) {
  if (names_tag(exchange.request.headers.get("if-none-match"), document->etag)) {
    co_await answer_not_modified(exchange, document->etag);
    co_return;
  }
  exchange.status = 200;
  exchange::add_common_headers(exchange, document->content_type);
  net::Headers& headers = exchange.writer.headers();
  if (!document->etag.empty()) headers.set("etag", document->etag);
  const bool gzip = is_large(*document) && exchange::accepts_gzip(exchange.request.headers.get("accept-encoding"));
  if (gzip) headers.set("content-encoding", "gzip");
  if (is_large(*document)) headers.add("vary", "Accept-Encoding");
  auto started = co_await exchange.writer.start(200);
  if (!started || exchange.request.method == "HEAD") co_return;
  Sender sender(exchange, gzip);
  auto written = co_await write(runtime, sender, std::move(document));
  (void)written;  // the peer's end
}

}  // namespace pintle::apiserver::published
