#include "net/http1_client.h"

#include "net/http1_message.h"
#include "net/text.h"

namespace pintle::net {

namespace {

// The rest of a response. Owns the link until the end.
class Body final : public BodyReader {
 public:
  Body(Http1LinkPtr link, BodyFraming framing, bool keep, ReleaseLink release)
      : link_(std::move(link)), framing_(framing), left_(framing.length), keep_(keep), release_(std::move(release)) {
    if (framing_.kind == BodyFraming::Kind::None) end(keep_);
  }
  ~Body() override {
    if (!done_) end(false);
  }

  rt::Task<Result<Bytes>> read(rt::Context ctx) override {
    while (!done_) {
      auto piece = take();
      if (!piece) {
        end(false);
        broken_ = true;
        co_return std::unexpected(Status{Reason::ServiceUnavailable, 0, piece.error().message, {}});
      }
      if (!piece->empty()) co_return std::move(*piece);
      if (done_) break;
      auto n = co_await link_->stream->read(ctx, link_->in.prepare());
      if (!n) {
        // A caller that gave up may come back; a broken connection may not.
        if (n.error().reason != Reason::Cancelled && n.error().reason != Reason::Timeout) fail();
        co_return std::unexpected(n.error());
      }
      if (*n == 0) {
        const bool whole = framing_.kind == BodyFraming::Kind::UntilClose;
        end(false);
        if (whole) co_return Bytes();
        broken_ = true;
        break;
      }
      link_->in.commit(*n);
    }
    if (broken_) co_return error(Reason::ServiceUnavailable, "the peer closed the connection in the middle of a response");
    co_return Bytes();
  }

 private:
  Result<Bytes> take() {
    std::string_view available = link_->in.view();
    std::string piece;
    bool whole = false;
    if (framing_.kind == BodyFraming::Kind::Chunked) {
      while (!available.empty() && !chunks_.done()) {
        auto part = chunks_.next(available);
        if (!part) return std::unexpected(part.error());
        piece.append(*part);
      }
      whole = chunks_.done();
    } else {
      const bool counted = framing_.kind == BodyFraming::Kind::Length;
      piece = std::string(counted ? available.substr(0, static_cast<std::size_t>(std::min<uint64_t>(left_, available.size()))) : available);
      available.remove_prefix(piece.size());
      left_ -= counted ? piece.size() : 0;
      whole = counted && left_ == 0;
    }
    link_->in.consume(link_->in.size() - available.size());
    if (whole) end(keep_);
    return Bytes(std::move(piece));
  }
  void fail() {
    broken_ = true;
    end(false);
  }
  void end(bool keep) {
    done_ = true;
    auto link = std::move(link_);
    if (link && (!keep || !link->in.empty())) link.reset();   // bytes that nobody asked for: not to be trusted
    auto release = std::exchange(release_, nullptr);
    release(std::move(link));
  }

  Http1LinkPtr link_;
  BodyFraming framing_;
  ChunkDecoder chunks_;
  uint64_t left_;
  bool keep_;
  bool done_ = false;
  bool broken_ = false;
  ReleaseLink release_;
};

// The connection after a 101: first what was read too far.
class Raw final : public rt::Stream {
 public:
  Raw(Http1LinkPtr link, ReleaseLink release) : link_(std::move(link)), release_(std::move(release)) {}
  ~Raw() override {
    link_.reset();
    release_(nullptr);
  }
  rt::Task<Result<std::size_t>> read(rt::Context ctx, std::span<char> out) override {
    InputBuffer& in = link_->in;
    if (in.empty()) co_return co_await link_->stream->read(ctx, out);
    const std::size_t n = std::min(out.size(), in.size());
    std::memcpy(out.data(), in.view().data(), n);
    in.consume(n);
    co_return n;
  }
  rt::Task<Result<Unit>> write(rt::Context ctx, std::string_view data) override { return link_->stream->write(ctx, data); }
  rt::Task<Result<Unit>> write(rt::Context ctx, std::vector<Bytes> data) override { return link_->stream->write(ctx, std::move(data)); }
  void shutdown_write() override { link_->stream->shutdown_write(); }
  void close() override { link_->stream->close(); }
  rt::Endpoint local() const override { return link_->stream->local(); }
  rt::Endpoint remote() const override { return link_->stream->remote(); }

 private:
  Http1LinkPtr link_;
  ReleaseLink release_;
};

std::vector<Bytes> format_request(const Url& url, ClientRequest& request) {
  Headers headers = std::move(request.headers);
  if (!headers.has("host")) headers.add("Host", url.authority);
  headers.remove("content-length");
  headers.remove("transfer-encoding");
  const bool takes_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!request.body.empty() || takes_body) headers.add("Content-Length", std::to_string(request.body.size()));
  std::vector<Bytes> out;
  out.push_back(Bytes(format_request_head(request.method, url.target, headers)));
  if (!request.body.empty()) out.push_back(request.body);
  return out;
}

Result<Unit> check_request(const ClientRequest& request) {
  if (!is_token(request.method)) return bad_request("malformed method");
  for (const auto& [name, value] : request.headers.items()) {
    if (!is_token(name) || !is_field_value(value)) return bad_request("malformed header " + name);
  }
  return Unit{};
}

// The final head: interim ones are skipped. `got_bytes`: whether the server has answered anything.
rt::Task<Result<ResponseHead>> read_head(Http1Link* link, rt::Context ctx, bool* got_bytes) {
  std::size_t scanned = 0;
  while (true) {
    auto end = find_head_end(link->in.view(), scanned);
    if (!end) co_return std::unexpected(end.error());
    if (*end > 0) {
      auto head = parse_response_head(link->in.view().substr(0, *end));
      link->in.consume(*end);
      scanned = 0;
      if (!head || head->status >= 200 || head->status == 101) co_return head;
      continue;
    }
    if (link->in.size() > response_header_bytes_max) co_return bad_request("response header too large");
    auto n = co_await link->stream->read(ctx, link->in.prepare());
    if (!n) co_return std::unexpected(n.error());
    if (*n == 0) co_return error(Reason::ServiceUnavailable, "the peer closed the connection without an answer");
    *got_bytes = true;
    link->in.commit(*n);
  }
}

}  // namespace

bool is_idempotent(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE"; }

rt::Task<ExchangeResult> http1_exchange(Http1LinkPtr link, rt::Context ctx, Url url, ClientRequest request, ReleaseLink release) {
  auto checked = check_request(request);
  if (!checked) {
    release(std::move(link));
    co_return ExchangeResult{std::unexpected(checked.error()), false};
  }
  const std::string method = request.method;
  const bool replay = link->reused && is_idempotent(method);
  auto message = format_request(url, request);
  // A server that refuses a body may answer and close while it is being sent: the answer counts.
  auto sent = co_await link->stream->write(ctx, std::move(message));
  bool got_bytes = false;
  auto head = co_await read_head(link.get(), ctx, &got_bytes);
  Result<BodyFraming> framing = BodyFraming{};
  if (head) framing = response_framing(*head, method);
  if (!head || !framing) {
    Status why = !head ? head.error() : framing.error();
    if (!sent && !ctx.done()) why = sent.error();
    if (why.reason == Reason::BadRequest) why = Status{Reason::ServiceUnavailable, 0, "malformed response: " + why.message, {}};
    link.reset();
    release(nullptr);
    co_return ExchangeResult{std::unexpected(std::move(why)), replay && !got_bytes && !ctx.done()};
  }
  Response response;
  response.status = head->status;
  response.headers = std::move(head->headers);
  if (head->status == 101) {
    response.upgraded = std::make_unique<Raw>(std::move(link), std::move(release));
    response.body = std::make_unique<Body>(nullptr, BodyFraming{}, false, [](Http1LinkPtr) {});
    co_return ExchangeResult{std::move(response), false};
  }
  const bool keep = sent && framing->kind != BodyFraming::Kind::UntilClose && keeps_alive(response.headers, head->minor);
  response.body = std::make_unique<Body>(std::move(link), *framing, keep, std::move(release));
  co_return ExchangeResult{std::move(response), false};
}

}  // namespace pintle::net
