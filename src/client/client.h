// Client: typed requests to an API server, over HTTPS or in process. Built-in types travel as protobuf, so that the
// bytes of the server's store are what is decoded here; PartialObjectMetadata too; everything else as JSON.
// Errors are the server's Status with its code, reason and details, or ServiceUnavailable when it cannot be reached.
// Requests wait for the rate limit, and are tried again after 429 and 503 with Retry-After as client-go does.
// Thread-safe; every call resumes on the caller's executor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/meta_v1.h"
#include "api/object.h"
#include "base/status.h"
#include "client/resource.h"
#include "client/watch.h"
#include "codec/value.h"
#include "net/client.h"
#include "rt/rate_limiter.h"
#include "rt/runtime.h"

namespace pintle::client {

class ClientMetrics;

struct ClientConfig {
  std::string server;  // "https://127.0.0.1:6443"; "" in process
  std::string user_agent = "pintle";
  std::string bearer_token;
  std::string bearer_token_file;                             // read again when it is older than a minute (bound tokens rotate)
  std::vector<std::pair<std::string, std::string>> headers;  // sent with every request (impersonation)
  double qps = 0;                                            // 0: no limit of its own (the server has priority and fairness)
  double burst = 10;
  // Instead of the two above: the token of the moment, asked for before each request (exec plugins). It may wait.
  std::function<rt::Task<Result<std::string>>(rt::Context)> token_source;
  rt::Duration request_timeout = std::chrono::seconds(30);  // not for watches
  ClientMetrics* metrics = nullptr;                         // outlives the client; nullptr: nothing is counted
};

struct ListOptions {
  std::string namespace_name;  // "": all
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;  // "": the newest; "0": whatever the cache has
  int64_t limit = 0;
  std::string continue_token;
};
struct WatchOptions {
  std::string namespace_name;
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;
  bool send_initial_events = false;  // with the bookmark that ends them (WatchList)
  int64_t timeout_seconds = 0;       // after which the server ends the watch; 0: as long as it likes
};
struct DeleteOptions {
  std::optional<int64_t> grace_period_seconds;
  std::string propagation_policy;  // "Foreground", "Background", "Orphan"; "": the resource's default
  std::string precondition_uid;
  std::string precondition_resource_version;
};
enum class PatchType { Json, Merge, Strategic, Apply };
struct PatchOptions {
  std::string subresource;
  std::string field_manager;  // Apply needs one
  bool force = false;         // Apply
};

template <class T>
struct ListOf {
  std::vector<T> items;
  std::string resource_version;
  std::string continue_token;
};

// The untyped core: what the templates below are made of. Objects are of the type `type`, whose wire form is chosen by it.
struct RawList {
  std::vector<api::Object> items;
  std::string resource_version;
  std::string continue_token;
};

class Client {
 public:
  // `runtime` outlives the client.
  Client(rt::Runtime& runtime, std::shared_ptr<net::Transport> transport, ClientConfig config);

  // --- typed ---------------------------------------------------------------------------------------------------------
  template <class T>
  rt::Task<Result<T>> get(rt::Context ctx, std::string namespace_name, std::string name);
  template <class T>
  rt::Task<Result<ListOf<T>>> list(rt::Context ctx, ListOptions options);
  // Create and update use the object's own namespace and name; the answer is the stored object.
  template <class T>
  rt::Task<Result<T>> create(rt::Context ctx, T object);
  template <class T>
  rt::Task<Result<T>> update(rt::Context ctx, T object);
  template <class T>
  rt::Task<Result<T>> update_status(rt::Context ctx, T object);
  template <class T>
  rt::Task<Result<T>> patch(rt::Context ctx, std::string namespace_name, std::string name, PatchType type, std::string body, PatchOptions options);
  template <class T>
  rt::Task<Result<T>> patch(rt::Context ctx, std::string namespace_name, std::string name, PatchType type, std::string body);
  template <class T>
  rt::Task<Result<Unit>> remove(rt::Context ctx, std::string namespace_name, std::string name, DeleteOptions options);
  template <class T>
  rt::Task<Result<Unit>> remove(rt::Context ctx, std::string namespace_name, std::string name);
  // Creates In at an object's subresource and reads Out: Eviction, Binding, TokenRequest, Scale ...
  template <class Out, class In>
  rt::Task<Result<Out>> create_subresource(rt::Context ctx, Resource parent, std::string namespace_name, std::string name, std::string subresource,
                                           In body);
  // PUTs In at a subresource of its own resource (approval, finalize ...) and reads it back.
  template <class T>
  rt::Task<Result<T>> update_subresource(rt::Context ctx, std::string subresource, T object);

  // --- by resource (garbage collection, namespaces, quotas) ------------------------------------------------------------
  rt::Task<Result<api::Object>> get_object(rt::Context ctx, Resource resource, const api::Type& type, std::string namespace_name, std::string name);
  rt::Task<Result<RawList>> list_objects(rt::Context ctx, Resource resource, const api::Type& type, ListOptions options);
  rt::Task<Result<std::unique_ptr<Watch>>> watch_objects(rt::Context ctx, Resource resource, const api::Type& type, WatchOptions options);
  rt::Task<Result<api::Object>> patch_object(rt::Context ctx, Resource resource, const api::Type& type, std::string namespace_name, std::string name,
                                             PatchType patch, std::string body, PatchOptions options);
  rt::Task<Result<Unit>> remove_object(rt::Context ctx, Resource resource, std::string namespace_name, std::string name, DeleteOptions options);
  rt::Task<Result<Unit>> remove_collection(rt::Context ctx, Resource resource, DeleteOptions options, ListOptions which);
  // Writes an object (method "POST" or "PUT") at `path` and decodes the answer as `answer_type`.
  rt::Task<Result<api::Object>> write_object(rt::Context ctx, std::string method, std::string path, api::Object body, const api::Type& answer_type);

  // --- by path -------------------------------------------------------------------------------------------------------
  // Any JSON request; `body` empty: none. For manifests, custom resources, discovery, /readyz.
  rt::Task<Result<codec::Value>> ask_json(rt::Context ctx, std::string method, std::string path_and_query, std::string body,
                                          std::string content_type);
  // The answer as it is, whatever its status: streams, upgrades.
  rt::Task<Result<net::Response>> send(rt::Context ctx, net::ClientRequest request);

  rt::Runtime& runtime() { return runtime_; }
  const ClientConfig& config() const { return config_; }
  // Ends the transport's connections. Await it last.
  rt::Task<void> close();

 private:
  struct Call;
  struct Answer;
  rt::Task<Result<std::string>> bearer_token(rt::Context ctx);
  rt::Task<Result<net::Response>> send_call(rt::Context ctx, Call call);
  // The whole answer of a call that succeeded, after retries.
  rt::Task<Result<Answer>> exchange(rt::Context ctx, Call call);
  rt::Runtime& runtime_;
  std::shared_ptr<net::Transport> transport_;
  ClientConfig config_;
  const std::string host_;  // as metrics name it
  std::optional<rt::RateLimiter> limiter_;
  struct TokenFile;
  std::shared_ptr<TokenFile> token_file_;
};

// --- the templates: names and casts only -------------------------------------------------------------------------------
namespace detail {
template <class T>
T take(api::Object& object) {
  return std::move(object.as<T>());
}
template <class T>
const std::string& namespace_of(const T& object) {
  return object.metadata.namespace_;
}
}  // namespace detail

template <class T>
rt::Task<Result<T>> Client::get(rt::Context ctx, std::string namespace_name, std::string name) {
  auto answer = co_await get_object(std::move(ctx), resource_of<T>(), api::type_of<T>(), std::move(namespace_name), std::move(name));
  if (!answer) co_return Unexpected(std::move(answer).error());
  co_return detail::take<T>(*answer);
}
template <class T>
rt::Task<Result<ListOf<T>>> Client::list(rt::Context ctx, ListOptions options) {
  auto answer = co_await list_objects(std::move(ctx), resource_of<T>(), api::type_of<T>(), std::move(options));
  if (!answer) co_return Unexpected(std::move(answer).error());
  ListOf<T> out;
  out.items.reserve(answer->items.size());
  for (auto& item : answer->items) out.items.push_back(detail::take<T>(item));
  out.resource_version = std::move(answer->resource_version);
  out.continue_token = std::move(answer->continue_token);
  co_return std::move(out);
}
template <class T>
rt::Task<Result<T>> Client::create(rt::Context ctx, T object) {
  std::string path = resource_of<T>().path(detail::namespace_of(object));
  auto answer = co_await write_object(std::move(ctx), "POST", std::move(path), api::Object::of(std::move(object)), api::type_of<T>());
  if (!answer) co_return Unexpected(std::move(answer).error());
  co_return detail::take<T>(*answer);
}
template <class T>
rt::Task<Result<T>> Client::update_subresource(rt::Context ctx, std::string subresource, T object) {
  std::string path = resource_of<T>().path(detail::namespace_of(object), object.metadata.name, subresource);
  auto answer = co_await write_object(std::move(ctx), "PUT", std::move(path), api::Object::of(std::move(object)), api::type_of<T>());
  if (!answer) co_return Unexpected(std::move(answer).error());
  co_return detail::take<T>(*answer);
}
template <class T>
rt::Task<Result<T>> Client::update(rt::Context ctx, T object) {
  co_return co_await update_subresource<T>(std::move(ctx), std::string(), std::move(object));
}
template <class T>
rt::Task<Result<T>> Client::update_status(rt::Context ctx, T object) {
  co_return co_await update_subresource<T>(std::move(ctx), std::string("status"), std::move(object));
}
template <class T>
rt::Task<Result<T>> Client::patch(rt::Context ctx, std::string namespace_name, std::string name, PatchType type, std::string body,
                                  PatchOptions options) {
  auto answer = co_await patch_object(std::move(ctx), resource_of<T>(), api::type_of<T>(), std::move(namespace_name), std::move(name), type,
                                      std::move(body), std::move(options));
  if (!answer) co_return Unexpected(std::move(answer).error());
  co_return detail::take<T>(*answer);
}
template <class T>
rt::Task<Result<T>> Client::patch(rt::Context ctx, std::string namespace_name, std::string name, PatchType type, std::string body) {
  PatchOptions options;
  co_return co_await patch<T>(std::move(ctx), std::move(namespace_name), std::move(name), type, std::move(body), std::move(options));
}
template <class T>
rt::Task<Result<Unit>> Client::remove(rt::Context ctx, std::string namespace_name, std::string name, DeleteOptions options) {
  co_return co_await remove_object(std::move(ctx), resource_of<T>(), std::move(namespace_name), std::move(name), std::move(options));
}
template <class T>
rt::Task<Result<Unit>> Client::remove(rt::Context ctx, std::string namespace_name, std::string name) {
  DeleteOptions options;
  co_return co_await remove_object(std::move(ctx), resource_of<T>(), std::move(namespace_name), std::move(name), std::move(options));
}
template <class Out, class In>
rt::Task<Result<Out>> Client::create_subresource(rt::Context ctx, Resource parent, std::string namespace_name, std::string name,
                                                 std::string subresource, In body) {
  std::string path = parent.path(namespace_name, name, subresource);
  auto answer = co_await write_object(std::move(ctx), "POST", std::move(path), api::Object::of(std::move(body)), api::type_of<Out>());
  if (!answer) co_return Unexpected(std::move(answer).error());
  co_return detail::take<Out>(*answer);
}

}  // namespace pintle::client
