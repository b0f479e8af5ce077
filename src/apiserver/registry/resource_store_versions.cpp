// Which version of its resource an object is in while a request runs: that of the request where a definition's versions differ, stored in another.
#include <algorithm>

#include "api/codec.h"
#include "apiserver/registry/resource_store.h"
#include "apiserver/registry/version_converter.h"

namespace pintle::apiserver::registry {

const VersionBinding& ResourceStore::working_version(const RequestScope& scope) const {
  if (!resource_.custom()) return resource_.storage_version();
  const VersionBinding* asked = resource_.find_version(resource_.name().group, scope.version);
  return asked != nullptr && scope.group == resource_.name().group ? *asked : resource_.storage_version();
}

rt::Task<Result<ResourceStore::Present>> ResourceStore::present(RequestScope& scope, storage::CachedObjectPtr cached) {
  Present out{{}, &working_version(scope)};
  if (cached_versions_->differ()) {
    if (scope.internal) {
      out.version = &resource_.versions().at(cached->version());
    } else {
      CO_TRY_ASSIGN(cached, co_await cached_versions_->show_one(scope.ctx, std::move(cached), *out.version));
    }
  }
  CO_TRY_ASSIGN(out.object, codec_.decode(*cached));
  co_return out;
}

std::vector<const VersionBinding*> ResourceStore::owners_versions(const api::Object& old, const VersionBinding& working) const {
  std::vector<const VersionBinding*> out;
  for (const VersionBinding& version : resource_.versions()) {
    if (&version == &working) continue;
    const auto& owners = codec_.metadata(old).managed_fields;
    if (std::ranges::any_of(owners, [&](const auto& entry) { return entry.api_version == version.api_version; })) out.push_back(&version);
  }
  return out;
}

rt::Task<Result<api::Object>> ResourceStore::transformed(RequestScope& scope, const UpdateRequest& request, const Present& before) {
  std::vector<const VersionBinding*> versions;
  if (request.others && cached_versions_->differ() && !scope.internal) versions = owners_versions(before.object, *before.version);
  if (versions.empty()) co_return request.transform(&before.object);
  request.others->known.clear();
  request.others->pending = true;
  CO_TRY_ASSIGN(const api::Object object, request.transform(&before.object));
  for (const VersionBinding* version : versions) {
    apimachinery::OtherVersion& other = request.others->known.emplace_back();
    other.api_version = version->api_version;
    other.schema = &version->shape->schema_view();
    CO_TRY_ASSIGN(const api::Object live, co_await cached_versions_->convert(scope.ctx, before.object, *before.version, *version));
    other.live = api::to_value(live.type(), live.data(), &version->kind->gvk);
    CO_TRY_ASSIGN(const api::Object shown, co_await cached_versions_->convert(scope.ctx, object, *before.version, *version));
    other.object = api::to_value(shown.type(), shown.data(), &version->kind->gvk);
  }
  request.others->pending = false;
  co_return request.transform(&before.object);
}

rt::Task<Result<Bytes>> ResourceStore::stored_form(RequestScope& scope, api::Object& object, const VersionBinding& version) {
  const VersionBinding& stored = resource_.storage_version();
  if (!cached_versions_->differ() || scope.internal || &version == &stored)
    co_return Bytes(codec_.encode_stored(object, cached_versions_->differ() ? version : stored));
  CO_TRY_ASSIGN(api::Object converted, co_await cached_versions_->convert(scope.ctx, object, version, stored));
  co_return Bytes(codec_.encode_stored(converted, stored));
}

rt::Task<Result<bool>> ResourceStore::is_stored(RequestScope& scope, std::string key, int64_t revision, Bytes value) {
  storage::RangeRequest request;
  request.start = std::move(key);
  CO_TRY_ASSIGN(const storage::RangeResult found, co_await deps_.store.range(scope.ctx, std::move(request)));
  co_return found.items.size() == 1 && found.items.front().mod_revision == revision&& found.items.front().value.view() == value.view();
}

rt::Task<Result<Unit>> ResourceStore::read_back(RequestScope& scope, std::string key, Bytes stored, int64_t revision, const VersionBinding& version,
                                                api::Object& object) {
  if (!cached_versions_->differ() || scope.internal || version.index == resource_.storage_version().index) co_return Unit{};
  storage::CachedObjectPtr cached = cached_write(key, revision);
  if (!cached) {  // another write came since, or there was none (dry run)
    storage::KeyValue written;
    written.key = std::move(key);
    written.value = std::move(stored);
    written.mod_revision = revision;
    CO_TRY_ASSIGN(auto loaded, codec_.load(written));
    cached = std::make_shared<const storage::CachedObject>(codec_, written, std::move(loaded));
  }
  CO_TRY_ASSIGN(cached, co_await cached_versions_->show_one(scope.ctx, std::move(cached), version));
  std::string resource_version = std::move(codec_.metadata(object).resource_version);
  CO_TRY_ASSIGN(object, codec_.decode(*cached));
  codec_.metadata(object).resource_version = std::move(resource_version);
  co_return Unit{};
}

}  // namespace pintle::apiserver::registry
