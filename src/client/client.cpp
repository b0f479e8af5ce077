#include "client/client.h"

#include "api/codec.h"
#include "base/mutex.h"
#include "base/parse_number.h"
#include "client/metrics.h"
#include "client/watch_stream.h"
#include "client/wire.h"
#include "codec/json.h"
#include "net/url.h"
#include "rt/sync.h"

namespace pintle::client {

namespace {

constexpr std::size_t answer_bytes_max = 512 << 20;  // RequestEntityTooLarge; lists are asked for in pages
constexpr int tries_max = 11;                        // of one request that the server puts off, as client-go
constexpr rt::Duration token_age_max = std::chrono::minutes(1);

// "?a=b&c=d" of the parameters that are not empty.
class QueryText {
 public:
  QueryText& add(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    text_ += text_.empty() ? '?' : '&';
    text_.append(name).append("=").append(net::percent_encode(value));
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string list_query(const ListOptions& options) {
  QueryText query;
  query.add("labelSelector", options.label_selector).add("fieldSelector", options.field_selector).add("resourceVersion", options.resource_version);
  if (options.limit > 0) query.add("limit", std::to_string(options.limit));
  return query.add("continue", options.continue_token).take();
}

std::string watch_query(const WatchOptions& options) {
  QueryText query;
  query.add("watch", "true").add("allowWatchBookmarks", "true").add("labelSelector", options.label_selector);
  query.add("fieldSelector", options.field_selector).add("resourceVersion", options.resource_version);
  if (options.send_initial_events) query.add("sendInitialEvents", "true").add("resourceVersionMatch", "NotOlderThan");
  if (options.timeout_seconds > 0) query.add("timeoutSeconds", std::to_string(options.timeout_seconds));
  return query.take();
}

std::string_view patch_media(PatchType type) {
  switch (type) {
    case PatchType::Json: return "application/json-patch+json";
    case PatchType::Merge: return "application/merge-patch+json";
    case PatchType::Strategic: return "application/strategic-merge-patch+json";
    case PatchType::Apply: return "application/apply-patch+yaml";
  }
  return "";
}

Bytes delete_body(const DeleteOptions& options) {
  codec::Value body;
  body["apiVersion"] = "v1";
  body["kind"] = "DeleteOptions";
  if (options.grace_period_seconds) body["gracePeriodSeconds"] = *options.grace_period_seconds;
  if (!options.propagation_policy.empty()) body["propagationPolicy"] = options.propagation_policy;
  if (!options.precondition_uid.empty()) body["preconditions"]["uid"] = options.precondition_uid;
  if (!options.precondition_resource_version.empty()) body["preconditions"]["resourceVersion"] = options.precondition_resource_version;
  return Bytes(codec::to_json(body));
}

std::string host_of(std::string_view server) {
  if (server.empty()) return "in-process";
  if (const std::size_t scheme = server.find("://"); scheme != std::string_view::npos) server.remove_prefix(scheme + 3);
  return std::string(server.substr(0, server.find('/')));
}

int retry_after_seconds(const net::Headers& headers) { return std::max(parse_number<int>(headers.get("retry-after")).value_or(0), 0); }

}  // namespace

struct Client::Call {
  std::string method = "GET";
  std::string target;  // path and query
  std::string accept;
  wire::Body body;
};

struct Client::Answer {
  std::string content_type;
  Bytes body;
};

struct Client::TokenFile {
  ThreadMutex mutex;
  std::string token GUARDED_BY(mutex);
  std::optional<rt::TimePoint> read_at GUARDED_BY(mutex);
};

Client::Client(rt::Runtime& runtime, std::shared_ptr<net::Transport> transport, ClientConfig config)
    : runtime_(runtime),
      transport_(std::move(transport)),
      config_(std::move(config)),
      host_(host_of(config_.server)),
      token_file_(std::make_shared<TokenFile>()) {
  if (config_.qps > 0) limiter_.emplace(runtime_.clock(), config_.qps, std::max(config_.burst, 1.0));
}

rt::Task<void> Client::close() { co_await transport_->close(); }

// A file that cannot be read any more leaves the last token in use.
rt::Task<Result<std::string>> Client::bearer_token(rt::Context ctx) {
  if (config_.token_source) co_return co_await config_.token_source(std::move(ctx));
  if (config_.bearer_token_file.empty()) co_return config_.bearer_token;
  auto kept = token_file_;
  const auto now = runtime_.clock().now();
  {
    ThreadLock lock(kept->mutex);
    if (kept->read_at && now - *kept->read_at < token_age_max) co_return kept->token;
  }
  Result<std::string> text;
  co_await runtime_.run_blocking([this, &text] { text = runtime_.disk().read(config_.bearer_token_file); });
  ThreadLock lock(kept->mutex);
  if (text) {
    while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
    kept->token = std::move(*text);
    kept->read_at = now;
  } else if (!kept->read_at) {
    co_return Unexpected(std::move(text).error());
  }
  co_return kept->token;
}

rt::Task<Result<net::Response>> Client::send(rt::Context ctx, net::ClientRequest request) {
  if (!request.headers.has("authorization")) {
    CO_TRY_ASSIGN(const std::string token, co_await bearer_token(ctx));
    if (!token.empty()) request.headers.set("authorization", "Bearer " + token);
  }
  if (!request.headers.has("user-agent")) request.headers.set("user-agent", config_.user_agent);
  for (const auto& [name, value] : config_.headers) request.headers.add(name, value);
  if (request.url.starts_with('/')) request.url.insert(0, config_.server);
  co_return co_await transport_->send(std::move(ctx), std::move(request));
}

rt::Task<Result<net::Response>> Client::send_call(rt::Context ctx, Call call) {
  const std::string method = call.method;
  const rt::TimePoint began = runtime_.clock().now();
  if (limiter_) {
    CO_TRY(co_await limiter_->take(ctx));
    if (config_.metrics != nullptr) config_.metrics->waited_for_rate(method, host_, runtime_.clock().now() - began);
  }
  const rt::TimePoint sent = runtime_.clock().now();
  net::ClientRequest request;
  request.method = std::move(call.method);
  request.url = std::move(call.target);
  request.headers.set("accept", std::move(call.accept));
  if (!call.body.bytes.empty()) request.headers.set("content-type", std::move(call.body.content_type));
  request.body = std::move(call.body.bytes);
  auto response = co_await send(std::move(ctx), std::move(request));
  if (config_.metrics != nullptr) config_.metrics->request(method, host_, response ? response->status : 0, runtime_.clock().now() - sent);
  co_return std::move(response);
}

rt::Task<Result<Client::Answer>> Client::exchange(rt::Context ctx, Call call) {
  for (int attempt = 1;; ++attempt) {
    const rt::Context bounded = config_.request_timeout > rt::Duration::zero() ? ctx.with_timeout(config_.request_timeout) : ctx;
    Call copy = call;
    CO_TRY_ASSIGN(net::Response response, co_await send_call(bounded, std::move(copy)));
    Answer answer;
    answer.content_type = response.headers.get("content-type");
    CO_TRY_ASSIGN(answer.body, co_await net::read_all(bounded, *response.body, answer_bytes_max));
    if (response.status >= 200 && response.status < 300) co_return std::move(answer);
    const int wait = retry_after_seconds(response.headers);
    const bool put_off = wait > 0 && (response.status == 429 || response.status >= 500);
    if (!put_off || attempt == tries_max) {
      Status failure = wire::decode_failure(response.status, answer.content_type, answer.body.view());
      if (wait > 0) failure.details.retry_after_seconds = wait;
      co_return Unexpected(std::move(failure));
    }
    CO_TRY(co_await rt::sleep_for(ctx, std::chrono::seconds(wait)));
  }
}

rt::Task<Result<api::Object>> Client::get_object(rt::Context ctx, Resource resource, const api::Type& type, std::string namespace_name,
                                                 std::string name) {
  Call call;
  call.target = resource.path(namespace_name, name);
  call.accept = wire::accept(type, wire::Ask::Object);
  CO_TRY_ASSIGN(const Answer answer, co_await exchange(std::move(ctx), std::move(call)));
  co_return wire::decode_object(answer.content_type, answer.body.view(), type);
}

rt::Task<Result<RawList>> Client::list_objects(rt::Context ctx, Resource resource, const api::Type& type, ListOptions options) {
  Call call;
  call.target = resource.path(options.namespace_name) + list_query(options);
  call.accept = wire::accept(type, wire::Ask::List);
  CO_TRY_ASSIGN(const Answer answer, co_await exchange(std::move(ctx), std::move(call)));
  co_return wire::decode_list(answer.content_type, answer.body.view(), type);
}

rt::Task<Result<std::unique_ptr<Watch>>> Client::watch_objects(rt::Context ctx, Resource resource, const api::Type& type, WatchOptions options) {
  Call call;
  call.target = resource.path(options.namespace_name) + watch_query(options);
  call.accept = wire::accept(type, wire::Ask::Object);
  const rt::Context bounded = config_.request_timeout > rt::Duration::zero() ? ctx.with_timeout(config_.request_timeout) : ctx;
  CO_TRY_ASSIGN(net::Response response, co_await send_call(bounded, std::move(call)));
  const std::string content_type(response.headers.get("content-type"));
  if (response.status != 200) {
    CO_TRY_ASSIGN(const Bytes body, co_await net::read_all(bounded, *response.body, answer_bytes_max));
    Status failure = wire::decode_failure(response.status, content_type, body.view());
    failure.details.retry_after_seconds = std::max(failure.details.retry_after_seconds, retry_after_seconds(response.headers));
    co_return Unexpected(std::move(failure));
  }
  co_return make_watch(type, content_type, std::move(response.body));
}

rt::Task<Result<api::Object>> Client::patch_object(rt::Context ctx, Resource resource, const api::Type& type, std::string namespace_name,
                                                   std::string name, PatchType patch, std::string body, PatchOptions options) {
  QueryText query;
  query.add("fieldManager", options.field_manager);
  if (options.force) query.add("force", "true");
  Call call;
  call.method = "PATCH";
  call.target = resource.path(namespace_name, name, options.subresource) + query.take();
  call.accept = wire::accept(type, wire::Ask::Object);
  call.body.bytes = Bytes(std::move(body));
  call.body.content_type = patch_media(patch);
  CO_TRY_ASSIGN(const Answer answer, co_await exchange(std::move(ctx), std::move(call)));
  co_return wire::decode_object(answer.content_type, answer.body.view(), type);
}

rt::Task<Result<Unit>> Client::remove_object(rt::Context ctx, Resource resource, std::string namespace_name, std::string name,
                                             DeleteOptions options) {
  Call call;
  call.method = "DELETE";
  call.target = resource.path(namespace_name, name);
  call.accept = std::string(wire::proto_media) + "," + std::string(wire::json_media);
  call.body.bytes = delete_body(options);
  call.body.content_type = wire::json_media;
  CO_TRY(co_await exchange(std::move(ctx), std::move(call)));
  co_return Unit{};
}

rt::Task<Result<Unit>> Client::remove_collection(rt::Context ctx, Resource resource, DeleteOptions options, ListOptions which) {
  Call call;
  call.method = "DELETE";
  call.target = resource.path(which.namespace_name) + list_query(which);
  call.accept = std::string(wire::proto_media) + "," + std::string(wire::json_media);
  call.body.bytes = delete_body(options);
  call.body.content_type = wire::json_media;
  CO_TRY(co_await exchange(std::move(ctx), std::move(call)));
  co_return Unit{};
}

rt::Task<Result<api::Object>> Client::write_object(rt::Context ctx, std::string method, std::string path, api::Object body,
                                                   const api::Type& answer_type) {
  Call call;
  call.method = std::move(method);
  call.target = std::move(path);
  call.accept = wire::accept(answer_type, wire::Ask::Object);
  call.body = wire::encode(body);
  CO_TRY_ASSIGN(const Answer answer, co_await exchange(std::move(ctx), std::move(call)));
  co_return wire::decode_object(answer.content_type, answer.body.view(), answer_type);
}

rt::Task<Result<codec::Value>> Client::ask_json(rt::Context ctx, std::string method, std::string path_and_query, std::string body,
                                                std::string content_type) {
  Call call;
  call.method = std::move(method);
  call.target = std::move(path_and_query);
  call.accept = wire::json_media;
  call.body.bytes = Bytes(std::move(body));
  call.body.content_type = std::move(content_type);
  CO_TRY_ASSIGN(const Answer answer, co_await exchange(std::move(ctx), std::move(call)));
  co_return codec::parse_json(answer.body.view());
}

}  // namespace pintle::client
