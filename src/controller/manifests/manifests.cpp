#include "controller/manifests/manifests.h"

#include "apimachinery/discovery/served_resources.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "component/log.h"
#include "net/url.h"
#include "rt/backoff.h"
#include "rt/combine.h"

namespace pintle::controller::manifests {
namespace {

namespace log = component::log;

bool is_manifest(std::string_view name) {
  return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

std::string group_path(std::string_view api_version) {
  const bool core = api_version.find('/') == std::string_view::npos;
  return (core ? "/api/" : "/apis/") + std::string(api_version);
}

Result<Unit> add_objects(codec::Value document, std::vector<codec::Value>& out) {
  if (!document.is_object()) return bad_request("is no object");
  const codec::Value* items = document.find("items");
  if (items && items->is_array() && document.string_at("kind").ends_with("List")) {
    for (const codec::Value& item : items->as_array()) TRY(add_objects(item, out));
    return Unit{};
  }
  if (document.string_at("kind").empty()) return bad_request("has no kind");
  if (document.string_at("apiVersion").empty()) return bad_request("has no apiVersion");
  out.push_back(std::move(document));
  return Unit{};
}

}  // namespace

Result<std::vector<codec::Value>> objects_of_manifest(std::string_view text) {
  std::vector<codec::Value> out;
  std::size_t number = 0;
  for (const std::string_view part : codec::split_yaml(text)) {
    ++number;
    auto document = codec::parse_yaml(part);
    if (!document) return bad_request("document " + std::to_string(number) + ": " + document.error().message);
    if (document->is_null()) continue;
    auto added = add_objects(std::move(*document), out);
    if (!added) return bad_request("document " + std::to_string(number) + " " + added.error().message);
  }
  return out;
}

Manifests::Manifests(ManifestSetup setup) : setup_(std::move(setup)) {}
Manifests::~Manifests() { CHECK(!tasks_, "await stop() before destroying Manifests"); }

rt::Task<Result<Manifests::Endpoint>> Manifests::find_endpoint(rt::Context ctx, std::string api_version, std::string kind) {
  const auto slash = api_version.find('/');
  const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
  const std::string version = slash == std::string::npos ? api_version : api_version.substr(slash + 1);
  if (const auto* served = apimachinery::find_served_group_version(group, version)) {
    for (const auto& resource : served->resources)
      if (resource.kind == kind) co_return Endpoint{std::string(resource.name), resource.namespaced};
  }
  auto list = co_await setup_.client.ask_json(ctx, std::string("GET"), group_path(api_version), std::string(), std::string());
  if (!list) co_return Unexpected(list.error());
  if (const codec::Value* resources = list->find("resources"); resources && resources->is_array()) {
    for (const codec::Value& resource : resources->as_array()) {
      if (resource.string_at("kind") != kind || resource.string_at("name").find('/') != std::string_view::npos) continue;
      const codec::Value* namespaced = resource.find("namespaced");
      co_return Endpoint{std::string(resource.string_at("name")), namespaced && namespaced->is_bool() && namespaced->as_bool()};
    }
  }
  co_return error(Reason::NotFound, api_version + " serves no " + kind);
}

rt::Task<Result<Unit>> Manifests::apply(rt::Context ctx, codec::Value object) {
  const std::string api_version(object.string_at("apiVersion"));
  CO_TRY_ASSIGN(const Endpoint endpoint, co_await find_endpoint(ctx, api_version, std::string(object.string_at("kind"))));
  codec::Value& metadata = object["metadata"];
  const std::string name(metadata.string_at("name"));
  if (name.empty()) co_return bad_request("metadata.name is missing");
  std::string path = group_path(api_version);
  if (endpoint.namespaced) {
    if (metadata.string_at("namespace").empty()) metadata["namespace"] = "default";
    path += "/namespaces/" + net::percent_encode(metadata.string_at("namespace"));
  }
  path += "/" + endpoint.resource + "/" + net::percent_encode(name) + "?fieldManager=pintle&force=true";
  std::string body = codec::to_json(object);
  auto answer =
      co_await setup_.client.ask_json(ctx, std::string("PATCH"), std::move(path), std::move(body), std::string("application/apply-patch+yaml"));
  if (!answer) co_return Unexpected(answer.error());
  co_return Unit{};
}

rt::Task<Result<Unit>> Manifests::apply_text(rt::Context ctx, std::string name, std::string text) {
  auto objects = objects_of_manifest(text);
  if (!objects) co_return bad_request(name + ": " + objects.error().message);
  for (codec::Value& object : *objects) {
    const std::string what = std::string(object.string_at("kind")) + " " + std::string(object["metadata"].string_at("name"));
    auto applied = co_await apply(ctx, std::move(object));
    if (!applied) co_return error(applied.error().reason, name + ": " + what + ": " + applied.error().message);
  }
  co_return Unit{};
}

rt::Task<bool> Manifests::apply_folder(rt::Context ctx) {
  const auto names = setup_.runtime.disk().list(setup_.folder);
  if (!names) {
    log::warning("Manifests cannot be listed", {{"folder", setup_.folder}, {"err", names.error().message}});
    co_return false;
  }
  bool complete = true;
  std::map<std::string, std::string> seen;
  for (const std::string& name : *names) {
    if (!is_manifest(name)) continue;
    const auto text = setup_.runtime.disk().read(setup_.folder + "/" + name);
    if (!text) continue;  // removed meanwhile
    const auto before = applied_.find(name);
    if (before == applied_.end() || before->second != *text) {
      auto applied = co_await apply_text(ctx, name, *text);
      if (!applied) {
        log::warning("A manifest is not applied yet", {{"err", applied.error().message}});
        complete = false;
        continue;
      }
      log::info(1, "Applied a manifest", {{"file", name}});
    }
    seen[name] = *text;
  }
  applied_ = std::move(seen);
  co_return complete;
}

namespace {
rt::Task<Result<Unit>> wait_change(rt::Context ctx, rt::FileWatcher* watcher) { co_return co_await watcher->changed(ctx); }
}  // namespace

rt::Task<void> Manifests::follow(rt::Context ctx, std::unique_ptr<rt::FileWatcher> watcher) {
  rt::BackoffOptions options;
  options.initial = std::chrono::seconds(1);
  options.max = std::chrono::seconds(60);
  rt::Backoff backoff(options);
  while (!ctx.done()) {
    const bool complete = co_await apply_folder(ctx);
    if (complete) backoff.reset();
    // What failed is tried again by itself: its kind may be served a moment later.
    const rt::Context wait = complete ? ctx : ctx.with_timeout(backoff.next(setup_.runtime.random()));
    (void)co_await wait_change(wait, watcher.get());
  }
}

rt::Task<Result<Unit>> Manifests::start() {
  const rt::Context ctx = rt::Context::background();
  for (const auto& [name, text] : setup_.built_in) {
    CO_TRY(co_await apply_text(ctx, name, text));
  }
  CO_TRY(setup_.runtime.disk().make_directories(setup_.folder, 0700));
  std::vector<std::string> paths{setup_.folder};
  CO_TRY_ASSIGN(auto watcher, setup_.runtime.watch_files(std::move(paths)));
  tasks_ = std::make_unique<rt::TaskGroup>();
  tasks_->spawn(follow(tasks_->context(), std::move(watcher)));
  co_return Unit{};
}

rt::Task<void> Manifests::stop() {
  if (!tasks_) co_return;
  co_await tasks_->close();
  tasks_.reset();
}

}  // namespace pintle::controller::manifests
