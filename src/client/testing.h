// For tests, of any folder: FakeServer, an API server that keeps what it is given and knows no rules. It serves the objects of a
// collection by list and watch (selectors are not looked at), keeps each write that comes, and changes only by the test's hand.
// Belongs to the test's executor; end its clients before it.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/codec.h"
#include "base/check.h"
#include "client/client.h"
#include "client/wire.h"
#include "net/client.h"
#include "rt/sync.h"

namespace pintle::client::testing {

class FakeServer final : public net::Handler {
 public:
  struct Write {
    std::string method;
    std::string path;
    std::string content_type;
    Bytes body;
    // CHECK: it is a T.
    template <class T>
    T as() const {
      auto object = wire::decode_object(content_type, body.view(), api::type_of<T>());
      CHECK(object.has_value(), "the body of a write");
      return std::move(object->template as<T>());
    }
  };
  std::vector<Write> writes;
  std::map<std::string, std::string> documents;  // by path: the JSON that a GET answers, whatever the query
  std::vector<std::string> asked;                // path and query of each GET of one
  std::set<std::string> absent;                  // collections that are not served
  // The HTTP code that answers a write; none: 200.
  std::function<int(const Write&)> on_write;
  // How long a write lies before it is carried out; none: no time.
  std::function<rt::Duration(const Write&)> delay;

  // A new object, or its new state. The revision is the server's.
  template <class T>
  void put(T object) {
    object.metadata.resource_version = std::to_string(log_.size() + 1);
    std::string json;
    api::encode_json(api::type_of<T>(), &object, json, &api::kind_of(api::type_of<T>())->gvk);
    const Resource& resource = resource_of<T>();
    Object& kept = objects_[resource.path(object.metadata.namespace_, object.metadata.name)];
    const bool fresh = kept.json.empty();
    kept = {resource.path(""), std::move(json)};
    tell({kept.collection, fresh ? "ADDED" : "MODIFIED", kept.json});
  }
  template <class T>
  void remove(const T& object) {
    const Object gone = erase(object);
    tell({gone.collection, "DELETED", gone.json});
  }
  // It goes, and no watch says so: those who watch are told to list again.
  template <class T>
  void remove_unseen(const T& object) {
    erase(object);
    tell({"", "", ""});  // a revision of its own
    ++expiries_;
    wake();
  }
  // The watchers of a resource are told the revision that they have reached.
  template <class T>
  void tell_progress() {
    tell({resource_of<T>().path(""), "BOOKMARK", R"({"metadata":{"resourceVersion":")" + std::to_string(log_.size() + 1) + R"("}})"});
  }
  // The writes of that method whose path ends so.
  std::vector<Write> written(std::string_view method, std::string_view path_end) const {
    std::vector<Write> out;
    for (const Write& write : writes)
      if (write.method == method && write.path.ends_with(path_end)) out.push_back(write);
    return out;
  }

  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override {
    if (request.method != "GET") {
      co_await serve_write(ctx, request, writer);
    } else if (request.query.contains("sendInitialEvents=true")) {
      (void)co_await net::respond(writer, 400, "text/plain", Bytes::literal("no streamed lists here"));
    } else if (request.query.starts_with("watch=true")) {
      co_await serve_watch(ctx, request, writer);
    } else if (const auto document = documents.find(request.path); document != documents.end()) {
      asked.push_back(request.path + (request.query.empty() ? "" : "?" + request.query));
      (void)co_await net::respond(writer, 200, "application/json", Bytes::copy(document->second));
    } else if (const auto it = objects_.find(request.path); it != objects_.end()) {
      (void)co_await net::respond(writer, 200, "application/json", Bytes::copy(it->second.json));
    } else if (!absent.contains(request.path) && (is_collection(request.path) || is_in_namespace(request.path))) {
      (void)co_await net::respond(writer, 200, "application/json", Bytes(list(request.path)));
    } else {
      (void)co_await net::respond(writer, 404, "text/plain", Bytes::literal("not found"));
    }
  }

 private:
  struct Object {
    std::string collection;
    std::string json;
  };
  struct Change {
    std::string collection;
    std::string type;
    std::string json;
  };

  // "/api/v1/pods", "/apis/apps/v1/daemonsets": informers ask for all namespaces.
  static bool is_collection(std::string_view path) { return std::ranges::count(path, '/') == (path.starts_with("/apis/") ? 4 : 3); }

  // "/api/v1/namespaces/default/pods"
  static bool is_in_namespace(std::string_view path) {
    return path.find("/namespaces/") != std::string_view::npos && std::ranges::count(path, '/') == (path.starts_with("/apis/") ? 6 : 5);
  }

  template <class T>
  Object erase(const T& object) {
    auto it = objects_.find(resource_of<T>().path(object.metadata.namespace_, object.metadata.name));
    CHECK(it != objects_.end(), "what goes was there");
    Object gone = std::move(it->second);
    objects_.erase(it);
    return gone;
  }
  void tell(Change change) {
    log_.push_back(std::move(change));
    wake();
  }
  void wake() {
    for (rt::Event* watcher : watchers_) watcher->set();
  }
  std::string list(const std::string& collection) const {
    std::string items;
    for (const auto& [path, object] : objects_)
      if (object.collection == collection || path.starts_with(collection + "/")) items += (items.empty() ? "" : ",") + object.json;
    return R"({"metadata":{"resourceVersion":")" + std::to_string(log_.size()) + R"("},"items":[)" + items + "]}";
  }

  // The object that the path is of, or whose status it is; nullptr: there is none.
  const std::string* kept_at(const std::string& path) const {
    const auto it = objects_.find(path.ends_with("/status") ? path.substr(0, path.rfind('/')) : path);
    return it != objects_.end() ? &it->second.json : nullptr;
  }

  // What the write that began after `changes` of them has made or changed, if that is what its path is about; nullptr: it kept nothing.
  const std::string* kept_by(const Write& write, std::size_t changes) const {
    if (log_.size() == changes) return nullptr;
    if (write.method == "PUT") return kept_at(write.path);
    const auto name_of = [](std::string_view path) { return path.substr(path.rfind('/') + 1); };
    const bool made = write.method == "POST" && name_of(log_.back().collection) == name_of(write.path);
    return made ? &log_.back().json : nullptr;
  }

  rt::Task<void> serve_write(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) {
    auto body = co_await net::read_all(ctx, *request.body, 1 << 20);
    if (!body) co_return;
    Write write{request.method, request.path, std::string(request.headers.get("content-type")), std::move(*body)};
    if (delay) (void)co_await rt::sleep_for(ctx, delay(write));
    writes.push_back(write);
    const std::size_t changes = log_.size();
    const int code = on_write ? on_write(write) : 200;
    std::string type = "application/json";
    Bytes answer = Bytes::literal("{}");
    if (code == 409 && write.method == "POST") {
      answer = Bytes::literal("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"AlreadyExists\",\"code\":409}");
    } else if (code >= 300) {
      type = "text/plain";
      answer = Bytes::literal("refused by the test");
    } else if (const std::string* kept = kept_by(write, changes)) {
      answer = Bytes::copy(*kept);  // with its name and revision
    } else if (write.method == "PATCH") {
      if (const std::string* kept = kept_at(write.path)) answer = Bytes::copy(*kept);
    } else if (write.method != "DELETE" && !write.path.ends_with("/binding")) {
      type = write.content_type;
      answer = write.body;
    }
    (void)co_await net::respond(writer, code, std::move(type), std::move(answer));
  }

  rt::Task<void> serve_watch(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) {
    constexpr std::string_view key = "resourceVersion=";
    const auto from = request.query.find(key);
    std::size_t at = from == std::string::npos ? log_.size() : std::stoul(request.query.substr(from + key.size()));
    const int expiries = expiries_;
    rt::Event changed;
    watchers_.insert(&changed);
    writer.headers().set("content-type", "application/json");
    auto sent = co_await writer.start(200);
    while (sent && !ctx.done()) {
      changed.reset();
      std::vector<Bytes> lines;
      if (expiries != expiries_)
        lines.push_back(Bytes::literal(R"({"type":"ERROR","object":{"kind":"Status","status":"Failure","reason":"Expired","code":410}})"
                                       "\n"));
      for (; expiries == expiries_ && at < log_.size(); ++at)
        if (log_[at].collection == request.path) lines.push_back(Bytes(R"({"type":")" + log_[at].type + R"(","object":)" + log_[at].json + "}\n"));
      if (!lines.empty()) sent = co_await writer.write(std::move(lines));
      if (!sent || expiries != expiries_) break;
      sent = co_await changed.wait(ctx);
    }
    watchers_.erase(&changed);
  }

  std::map<std::string, Object> objects_;  // by path
  std::vector<Change> log_;                // the revision of a change is its place, from 1
  std::set<rt::Event*> watchers_;
  int expiries_ = 0;
};

// A client of the server, in this process.
inline std::unique_ptr<Client> connect(rt::Runtime& runtime, FakeServer& server) {
  ClientConfig config;
  return std::make_unique<Client>(runtime, std::shared_ptr<net::Transport>(net::make_in_process_transport(runtime, server, "system:test")),
                                  std::move(config));
}

}  // namespace pintle::client::testing
