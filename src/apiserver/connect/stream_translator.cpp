#include "apiserver/connect/stream_translator.h"

#include <fmt/format.h>

#include "api/codec.h"
#include "api/gen/meta_v1.h"
#include "base/parse_number.h"
#include "codec/json.h"
#include "net/spdy.h"
#include "net/text.h"
#include "net/websocket.h"
#include "rt/sync.h"

namespace pintle::apiserver::connect {

namespace {

namespace meta = api::meta_v1;

// The first byte of every message says what the rest is.
enum Channel : char { Stdin = 0, Stdout = 1, Stderr = 2, Error = 3, Resize = 4, Close = static_cast<char>(255) };

constexpr std::string_view kubelet_protocol = "v4.channel.k8s.io";
constexpr std::size_t refusal_bytes_max = 64 << 10;
constexpr std::size_t status_bytes_max = 1 << 20;
constexpr rt::Duration farewell_timeout = std::chrono::seconds(10);

// Of a failure; `cause_reason` "" and `code` 0: none.
std::string failure_json(std::string message, std::string_view reason, std::string_view cause_reason, std::string cause_message, int code) {
  meta::Status status;
  status.status = "Failure";
  status.message = std::move(message);
  status.reason = reason;
  status.code = code;
  auto& cause = status.details.ensure().causes.emplace_back();
  cause.reason = cause_reason;
  cause.message = std::move(cause_message);
  std::string out;
  api::encode_json(api::type_of<meta::Status>(), &status, out);
  return out;
}

std::string internal_error_json(std::string_view why) {
  return failure_json(fmt::format("Internal error occurred: {}", why), "InternalError", "", std::string(why), 500);
}

// The exit code among a status' causes; -1: none.
int exit_code_of(const codec::Value& status) {
  const codec::Value* details = status.find("details");
  const codec::Value* causes = details != nullptr ? details->find("causes") : nullptr;
  if (causes == nullptr || !causes->is_array()) return -1;
  for (const codec::Value& cause : causes->as_array()) {
    if (cause.string_at("reason") != "ExitCode") continue;
    if (const auto code = parse_number<uint8_t>(cause.string_at("message"))) return *code;
  }
  return -1;
}

// One client, from its handshake to its end.
class Translation {
 public:
  Translation(net::Transport& kubelet, std::string url, TranslatedStreams wanted) : kubelet_(kubelet), url_(std::move(url)), wanted_(wanted) {}
  rt::Task<void> run(rt::Context ctx, net::WebSocket& socket);

 private:
  rt::Task<Result<std::unique_ptr<rt::Stream>>> dial(rt::Context ctx);
  rt::Task<Result<Unit>> open_streams(rt::Context ctx);
  rt::Task<Result<net::SpdyStreamPtr>> open(rt::Context ctx, std::string type);
  rt::Task<Result<std::string>> carry(rt::Context ctx);
  rt::Task<void> run_session(rt::Context ctx);
  rt::Task<void> read_client(rt::Context ctx);
  rt::Task<void> copy_output(rt::Context ctx, net::SpdyStreamPtr from, Channel channel);
  rt::Task<Result<Unit>> take(rt::Context ctx, Bytes message);
  rt::Task<Result<Unit>> tell(rt::Context ctx, Channel channel, Bytes data);
  rt::Task<Result<std::string>> read_error_stream(rt::Context ctx);

  net::Transport& kubelet_;
  std::string url_;
  TranslatedStreams wanted_;
  net::WebSocket* socket_ = nullptr;
  std::unique_ptr<net::SpdySession> session_;
  net::SpdyStreamPtr error_, stdin_, stdout_, stderr_, resize_;
  bool client_gone_ = false;
};

rt::Task<Result<Unit>> Translation::tell(rt::Context ctx, Channel channel, Bytes data) {
  std::vector<Bytes> pieces;
  pieces.push_back(Bytes(std::string(1, channel)));
  if (!data.empty()) pieces.push_back(std::move(data));
  co_return co_await socket_->write(std::move(ctx), false, std::move(pieces));
}

rt::Task<Result<std::unique_ptr<rt::Stream>>> Translation::dial(rt::Context ctx) {
  net::ClientRequest request;
  request.method = "POST";
  request.url = url_;
  request.upgrade = true;
  request.headers.add("Connection", "Upgrade");
  request.headers.add("Upgrade", "SPDY/3.1");
  request.headers.add("X-Stream-Protocol-Version", std::string(kubelet_protocol));
  auto response = co_await kubelet_.send(ctx, std::move(request));
  if (!response) co_return internal("error sending request: Post \"" + url_ + "\": " + response.error().message);
  if (response->status == 101) co_return std::move(response->upgraded);
  auto text = co_await net::read_all(ctx, *response->body, refusal_bytes_max);
  std::string why(text ? text->view() : "");
  while (why.ends_with('\n')) why.pop_back();
  co_return internal("unable to upgrade connection: " + why);
}

rt::Task<Result<net::SpdyStreamPtr>> Translation::open(rt::Context ctx, std::string type) {
  net::SpdyHeaders headers;
  headers.emplace_back("streamtype", std::move(type));
  co_return co_await session_->open(std::move(ctx), std::move(headers));
}

rt::Task<Result<Unit>> Translation::open_streams(rt::Context ctx) {
  CO_TRY_ASSIGN(error_, co_await open(ctx, "error"));
  if (wanted_.stdin) {
    CO_TRY_ASSIGN(stdin_, co_await open(ctx, "stdin"));
  }
  if (wanted_.stdout) {
    CO_TRY_ASSIGN(stdout_, co_await open(ctx, "stdout"));
  }
  if (wanted_.stderr && !wanted_.tty) {
    CO_TRY_ASSIGN(stderr_, co_await open(ctx, "stderr"));
  }
  if (wanted_.tty) {
    CO_TRY_ASSIGN(resize_, co_await open(ctx, "resize"));
  }
  co_return Unit{};
}

rt::Task<void> Translation::run_session(rt::Context ctx) { (void)co_await session_->run(std::move(ctx)); }

// What the client sends, until it goes or the streams have ended.
rt::Task<void> Translation::read_client(rt::Context ctx) {
  while (true) {
    auto message = co_await socket_->read(ctx);
    if (!message || !*message) break;
    auto taken = co_await take(ctx, std::move((*message)->data));
    if (!taken) break;
  }
  if (ctx.done()) co_return;
  client_gone_ = true;
  co_await session_->close();  // the streams end, and with them the copying
}

rt::Task<Result<Unit>> Translation::take(rt::Context ctx, Bytes message) {
  if (message.empty()) co_return Unit{};
  const char channel = message.view()[0];
  Bytes data = message.substr(1);
  if (channel == Channel::Stdin && stdin_) {
    auto wrote = co_await stdin_->write(std::move(ctx), std::move(data));
    if (!wrote) stdin_.reset();  // the program reads no more: what comes is dropped, its output goes on
  } else if (channel == Channel::Resize && resize_) {
    auto wrote = co_await resize_->write(std::move(ctx), std::move(data));
    if (!wrote) resize_.reset();
  } else if (channel == Channel::Close && data.size() == 1 && data.view()[0] == Channel::Stdin && stdin_) {
    (void)co_await stdin_->finish(std::move(ctx));
    stdin_.reset();
  }
  co_return Unit{};
}

rt::Task<void> Translation::copy_output(rt::Context ctx, net::SpdyStreamPtr from, Channel channel) {
  while (true) {
    auto piece = co_await from->read(ctx);
    if (!piece || piece->empty()) break;
    auto told = co_await tell(ctx, channel, std::move(*piece));
    if (!told) {
      from->discard();
      break;
    }
  }
}

rt::Task<Result<std::string>> Translation::read_error_stream(rt::Context ctx) {
  std::string all;
  while (all.size() < status_bytes_max) {
    CO_TRY_ASSIGN(const Bytes piece, co_await error_->read(ctx));
    if (piece.empty()) break;
    all += piece.view();
  }
  co_return all;
}

// Copies until the program has ended; the answer is what the error stream said.
rt::Task<Result<std::string>> Translation::carry(rt::Context ctx) {
  CO_TRY(co_await open_streams(ctx));
  rt::TaskGroup outputs;
  if (stdout_) outputs.spawn(copy_output(ctx, stdout_, Channel::Stdout));
  if (stderr_) outputs.spawn(copy_output(ctx, stderr_, Channel::Stderr));
  const rt::Context reading = ctx.child();
  rt::TaskGroup inputs;
  inputs.spawn(read_client(reading));
  co_await outputs.join();
  auto said = co_await read_error_stream(ctx);
  reading.cancel();
  co_await inputs.join();
  co_return said;
}

rt::Task<void> Translation::run(rt::Context ctx, net::WebSocket& socket) {
  socket_ = &socket;
  // An empty message on the first channel that carries output tells the client that it is connected.
  const Channel first = wanted_.stdout ? Channel::Stdout : wanted_.stderr ? Channel::Stderr : Channel::Error;
  Bytes nothing;
  auto told = co_await tell(ctx, first, nothing);
  if (!told) co_return;
  std::string status;
  auto stream = co_await dial(ctx);
  if (stream) {
    session_ = std::make_unique<net::SpdySession>(std::move(*stream), false);
    rt::TaskGroup running;
    running.spawn(run_session(ctx));
    auto said = co_await carry(ctx);
    co_await session_->close();
    co_await running.join();
    status = said ? translated_status(*said) : internal_error_json(said.error().message);
  } else {
    status = internal_error_json(stream.error().message);
  }
  if (client_gone_) co_return;
  if (ctx.done())
    status = internal_error_json("the connection into the pod was ended by the API server");  // it stops: the program's end is not known
  const rt::Context bounded = rt::Context::background().with_timeout(farewell_timeout);
  (void)co_await tell(bounded, Channel::Error, Bytes(std::move(status)));
}

rt::Task<void> run_translation(std::shared_ptr<Translation> translation, rt::Context ctx, net::WebSocket* socket) {
  co_await translation->run(std::move(ctx), *socket);
}

}  // namespace

bool wants_stream_translation(const net::Request& request) {
  if (!net::is_websocket_request(request)) return false;
  for (const auto line : request.headers.get_all("sec-websocket-protocol"))
    if (net::list_has(line, stream_close_protocol)) return true;
  return false;
}

std::string translated_status(std::string_view error_stream) {
  static const std::string success = R"({"metadata":{},"status":"Success"})";
  if (error_stream.empty()) return success;
  const auto status = codec::parse_json(error_stream);
  if (!status || !status->is_object()) return internal_error_json(fmt::format("error stream protocol error: no status in \"{}\"", error_stream));
  if (status->string_at("status") == "Success") return success;
  if (status->string_at("status") != "Failure") return internal_error_json("error stream protocol error: unknown error");
  if (status->string_at("reason") != "NonZeroExitCode") return internal_error_json(status->string_at("message"));
  const int code = exit_code_of(*status);
  if (code < 0) return internal_error_json("error stream protocol error: no ExitCode cause given");
  return failure_json(fmt::format("command terminated with non-zero exit code: command terminated with exit code {}", code), "NonZeroExitCode",
                      "ExitCode", std::to_string(code), 0);
}

rt::Task<Result<Unit>> translate_streams(rt::Context ctx, net::Request& request, net::ResponseWriter& writer, rt::Runtime& runtime,
                                         net::Transport& kubelet, std::string url, TranslatedStreams streams) {
  std::vector<std::string> protocols;
  protocols.emplace_back(stream_close_protocol);
  auto translation = std::make_shared<Translation>(kubelet, std::move(url), streams);
  net::WebSocketHandler handler = [translation, ctx](rt::Context, net::WebSocket& socket, std::string) {
    return run_translation(translation, ctx, &socket);
  };
  co_return co_await net::accept_websocket(request, writer, std::move(protocols), runtime.random(), std::move(handler));
}

}  // namespace pintle::apiserver::connect
