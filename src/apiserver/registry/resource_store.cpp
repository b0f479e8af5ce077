#include "apiserver/registry/resource_store.h"

#include "apiserver/registry/admission_gate.h"
#include "apiserver/registry/converted_watcher.h"
#include "apiserver/types/errors.h"
#include "base/check.h"

namespace pintle::apiserver::registry {

ResourceStore::ResourceStore(std::shared_ptr<const Resource> resource, ResourceStoreDeps deps)
    : shared_resource_(std::move(resource)),
      resource_(*shared_resource_),
      deps_(deps),
      shared_codec_(make_codec(shared_resource_, deps.fanout.budget())),
      codec_(*shared_codec_),
      cached_versions_(std::make_shared<CachedVersions>(shared_resource_, shared_codec_)) {
  if (!resource_.custom()) held_in_.emplace_back(resource_, resource_.storage_version(), *cached_versions_);
  if (resource_.custom())
    for (const VersionBinding& version : resource_.versions()) held_in_.emplace_back(resource_, version, *cached_versions_);
}
ResourceStore::~ResourceStore() = default;

rt::Task<Result<Unit>> ResourceStore::start() {
  storage::WatchCacheOptions options;
  for (const SelectableField& field : resource_.definition().selectable_fields)
    if (field.indexed) options.indexed_fields.push_back(field.name);
  CO_TRY_ASSIGN(cache_, co_await storage::WatchCache::start(deps_.runtime, deps_.fanout, resource_.prefix(), codec_, std::move(options)));
  co_return Unit{};
}

rt::Task<void> ResourceStore::stop() {
  if (cache_) co_await cache_->stop();
}

Status ResourceStore::not_found(std::string_view name) const { return errors::not_found(resource_.name(), name); }

rt::Task<Result<Unit>> ResourceStore::wait_for_revision(rt::Context ctx, int64_t revision) {
  if (revision == 0) {
    CO_TRY_ASSIGN(revision, co_await deps_.store.current_revision(ctx));
  }
  if (cache_->revision() >= revision) co_return Unit{};
  const rt::Context limited = ctx.with_timeout(fresh_wait_max);
  auto waited = co_await cache_->wait_for(limited, revision);
  if (waited) co_return Unit{};
  if (waited.error().reason == Reason::Timeout && !ctx.done()) co_return Unexpected(errors::too_large_resource_version(revision, cache_->revision()));
  co_return Unexpected(waited.error());
}

rt::Task<void> ResourceStore::await_own_write(rt::Context ctx, int64_t revision) {
  (void)co_await wait_for_revision(std::move(ctx), revision);  // the write stands, whatever comes of this
}

storage::CachedObjectPtr ResourceStore::cached_write(const std::string& key, int64_t revision) const {
  storage::CachedObjectPtr cached = revision > 0 ? cache_->get(key) : nullptr;
  return cached && cached->revision() == revision ? cached : nullptr;
}

rt::Task<Result<storage::CachedObjectPtr>> ResourceStore::newest(rt::Context ctx, std::string key) {
  CO_TRY(co_await wait_for_revision(ctx, 0));
  co_return cache_->get(key);
}

rt::Task<Result<storage::CachedObjectPtr>> ResourceStore::get(rt::Context ctx, std::string ns, std::string name, int64_t revision) {
  if (revision >= 0) CO_TRY(co_await wait_for_revision(ctx, revision));
  auto object = cache_->get(resource_.key(ns, name));
  if (!object) co_return Unexpected(not_found(name));
  co_return object;
}

admission::AdmissionAttributes ResourceStore::attributes(RequestScope& scope, admission::Operation operation) const {
  admission::AdmissionAttributes attributes = request_attributes(scope, operation);
  attributes.kind = working_version(scope).kind->gvk;
  attributes.resource = resource_.name();
  attributes.versions = &held_in_[resource_.custom() ? working_version(scope).index : 0];
  const VersionBinding* const named = resource_.find_version(scope.group, scope.version);
  attributes.requested = named != nullptr ? named->index : resource_.storage_version().index;
  return attributes;
}

storage::Predicate ResourceStore::predicate(const Selection& asked) const {
  if (asked.everything()) return {};
  Selection selection = asked;
  if (cached_versions_->differ()) selection.fields = {};  // which only the version asked in has
  return [selection = std::move(selection)](const storage::ObjectHeader& header) {
    if (!selection.name.empty() && header.name != selection.name) return false;
    if (!selection.labels.matches(header.labels)) return false;
    return matches_fields(selection.fields, header);
  };
}

}  // namespace pintle::apiserver::registry
