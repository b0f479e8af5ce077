#include "net/http.h"

namespace pintle::net {

rt::Task<Result<Bytes>> read_all(rt::Context ctx, BodyReader& body, std::size_t limit) {
  Bytes first;
  std::string rest;
  while (true) {
    auto piece = co_await body.read(ctx);
    if (!piece) co_return piece;
    if (piece->empty()) break;
    if (first.size() + rest.size() + piece->size() > limit) {
      co_return error(Reason::RequestEntityTooLarge, "the body is larger than " + std::to_string(limit) + " bytes");
    }
    if (first.empty() && rest.empty()) {
      first = std::move(*piece);  // most bodies come in one piece, which needs no copy
      continue;
    }
    if (rest.empty()) {
      rest = std::string(first.view());
      first = Bytes();
    }
    rest.append(piece->view());
  }
  if (rest.empty()) co_return first;
  co_return Bytes(std::move(rest));
}

rt::Task<Result<Unit>> respond(ResponseWriter& writer, int status, std::string content_type, Bytes body) {
  if (!content_type.empty()) writer.headers().set("Content-Type", std::move(content_type));
  writer.headers().set("Content-Length", std::to_string(body.size()));
  CO_TRY(co_await writer.start(status));
  if (body.empty()) co_return Unit{};
  std::vector<Bytes> data;
  data.push_back(std::move(body));
  co_return co_await writer.write(std::move(data));
}

}  // namespace pintle::net
