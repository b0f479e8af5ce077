#include "net/http1_client.h"

#include <charconv>

#include "net/http1_message.h"
#include "net/signal.h"
#include "net/text.h"

namespace pintle::net {

namespace {

constexpr rt::Duration body_stall_timeout = std::chrono::seconds(180);  // of a body of which the server takes nothing: the exchange ends

// A request's body on its way, beside the answer. Shared by the task that sends it and the exchange.
struct Upload {
  rt::Context ctx;  // done: nobody wants the rest sent
  std::shared_ptr<BodyReader> source;
  std::optional<uint64_t> left;
  rt::Stream* stream;   // of the link
  Http1LinkPtr parked;  // the link, if the exchange ended first
  bool done = false;
  bool whole = false;
};
using UploadPtr = std::shared_ptr<Upload>;

// `give_up`: the server must see the end. Where it has closed its half, it may have answered all the same.
rt::Task<Result<Unit>> send_pieces(UploadPtr upload, bool* give_up) {
  bool chunked = !upload->left;
  while (true) {
    auto piece = co_await upload->source->read(upload->ctx);
    const bool wrong = piece && upload->left && (piece->size() > *upload->left || (piece->empty() && *upload->left > 0));
    if (!piece || wrong) {
      *give_up = true;
      if (wrong) co_return bad_request("the body is not as long as was said");
      co_return Unexpected(piece.error());
    }
    std::vector<Bytes> data;
    if (chunked) {
      char size[20];
      const auto end = std::to_chars(size, size + sizeof size, piece->size(), 16).ptr;
      std::string line(size, end);
      data.push_back(Bytes(line + "\r\n"));
    }
    const bool last = piece->empty();
    if (!last) data.push_back(std::move(*piece));
    if (!last && upload->left) *upload->left -= data.back().size();
    if (chunked) data.push_back(Bytes::literal("\r\n"));
    if (!data.empty()) {
      rt::Context bounded = upload->ctx.with_timeout(body_stall_timeout);
      auto sent = co_await upload->stream->write(bounded, std::move(data));
      *give_up = !sent && bounded.done();
      if (!sent) co_return sent;
    }
    if (last) co_return Unit{};
  }
}

rt::Task<void> run_upload(UploadPtr upload) {
  bool give_up = false;
  auto sent = co_await send_pieces(upload, &give_up);
  if (give_up) upload->stream->close();
  upload->done = true;
  upload->whole = sent.has_value();
  upload->source.reset();
  upload->parked.reset();
}

// Ends an exchange's hold on its link: the link, if it can be used again, or nullptr. One that a body is still being sent
// on is closed, and destroyed when its sender has noticed.
Http1LinkPtr settle(Http1LinkPtr link, const UploadPtr& upload, bool keep) {
  if (link && upload && !upload->done) {
    rt::Stream& stream = *link->stream;
    upload->parked = std::move(link);
    stream.close();
    upload->ctx.cancel();
    return nullptr;
  }
  if (link && (!keep || !link->in.empty() || (upload && !upload->whole))) link.reset();  // bytes that nobody asked for: not to be trusted
  return link;
}

// The rest of a response. Owns the link until the end.
class Body final : public BodyReader {
 public:
  Body(Http1LinkPtr link, BodyFraming framing, bool keep, UploadPtr upload, ReleaseLink release)
      : link_(std::move(link)), framing_(framing), left_(framing.length), keep_(keep), upload_(std::move(upload)), release_(std::move(release)) {
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
        co_return Unexpected(Status{Reason::ServiceUnavailable, 0, piece.error().message, {}});
      }
      if (!piece->empty()) co_return std::move(*piece);
      if (done_) break;
      auto n = co_await link_->stream->read(ctx, link_->in.prepare());
      if (!n) {
        // A caller that gave up may come back; a broken connection may not.
        if (n.error().reason != Reason::Cancelled && n.error().reason != Reason::Timeout) fail();
        co_return Unexpected(n.error());
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
        if (!part) return Unexpected(part.error());
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
    auto link = settle(std::move(link_), upload_, keep);
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
  UploadPtr upload_;
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

std::vector<Bytes> format_request(const Url& url, ForwardedRequest& forwarded) {
  ClientRequest& request = forwarded.head;
  Headers headers = std::move(request.headers);
  if (!headers.has("host")) headers.add("Host", url.authority);
  headers.remove("content-length");
  headers.remove("transfer-encoding");
  const bool takes_body = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (forwarded.body && !forwarded.body_bytes) {
    headers.add("Transfer-Encoding", "chunked");
  } else if (forwarded.body) {
    headers.add("Content-Length", std::to_string(*forwarded.body_bytes));
  } else if (!request.body.empty() || takes_body) {
    headers.add("Content-Length", std::to_string(request.body.size()));
  }
  std::vector<Bytes> out;
  out.push_back(Bytes(format_request_head(request.method, url.target, headers)));
  if (!forwarded.body && !request.body.empty()) out.push_back(request.body);
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
    if (!end) co_return Unexpected(end.error());
    if (*end > 0) {
      auto head = parse_response_head(link->in.view().substr(0, *end));
      link->in.consume(*end);
      scanned = 0;
      if (!head || head->status >= 200 || head->status == 101) co_return head;
      continue;
    }
    if (link->in.size() > response_header_bytes_max) co_return bad_request("response header too large");
    auto n = co_await link->stream->read(ctx, link->in.prepare());
    if (!n) co_return Unexpected(n.error());
    if (*n == 0) co_return error(Reason::ServiceUnavailable, "the peer closed the connection without an answer");
    *got_bytes = true;
    link->in.commit(*n);
  }
}

}  // namespace

bool is_idempotent(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE"; }

rt::Task<ExchangeResult> http1_exchange(Http1LinkPtr link, rt::Context ctx, Url url, ForwardedRequest request, ReleaseLink release) {
  auto checked = check_request(request.head);
  if (!checked) {
    release(std::move(link));
    co_return ExchangeResult{Unexpected(checked.error()), false};
  }
  CHECK(!request.head.upgrade || !request.body, "an upgrade has no body");
  const std::string method = request.head.method;
  const bool replay = link->reused && (is_idempotent(method) || request.repeatable) && !request.body;
  UploadPtr upload;
  if (request.body) upload = std::make_shared<Upload>(Upload{ctx.child(), request.body, request.body_bytes, link->stream.get(), nullptr});
  auto message = format_request(url, request);
  // A server that refuses a body may answer and close while it is being sent: the answer counts.
  auto sent = co_await link->stream->write(ctx, std::move(message));
  if (upload && sent) run_detached(run_upload(upload));
  if (upload && !sent) upload->done = true;
  bool got_bytes = false;
  auto head = co_await read_head(link.get(), ctx, &got_bytes);
  Result<BodyFraming> framing = BodyFraming{};
  if (head) framing = response_framing(*head, method);
  if (head && head->status == 101 && upload) framing = bad_request("an upgrade that was not asked for");
  if (!head || !framing) {
    Status why = !head ? head.error() : framing.error();
    if (!sent && !ctx.done()) why = sent.error();
    if (why.reason == Reason::BadRequest) why = Status{Reason::ServiceUnavailable, 0, "malformed response: " + why.message, {}};
    (void)settle(std::move(link), upload, false);
    release(nullptr);
    co_return ExchangeResult{Unexpected(std::move(why)), replay && !got_bytes && !ctx.done()};
  }
  Response response;
  response.status = head->status;
  response.headers = std::move(head->headers);
  if (head->status == 101) {
    response.upgraded = std::make_unique<Raw>(std::move(link), std::move(release));
    response.body = std::make_unique<Body>(nullptr, BodyFraming{}, false, nullptr, [](Http1LinkPtr) {});
    co_return ExchangeResult{std::move(response), false};
  }
  const bool keep = sent && framing->kind != BodyFraming::Kind::UntilClose && keeps_alive(response.headers, head->minor);
  response.body = std::make_unique<Body>(std::move(link), *framing, keep, std::move(upload), std::move(release));
  co_return ExchangeResult{std::move(response), false};
}

}  // namespace pintle::net
