#include "apiserver/registry/converted_watcher.h"

#include <string_view>
#include <utility>

namespace pintle::apiserver::registry {

using storage::CachedObjectPtr;
using storage::CacheEvent;
using storage::CacheEventType;

bool matches_fields(const apimachinery::FieldSelector& fields, const storage::ObjectHeader& header) {
  return fields.matches([&](std::string_view field) -> std::string_view {
    if (field == "metadata.name") return header.name;
    if (field == "metadata.namespace") return header.ns;
    const std::string_view* value = header.fields.get(field);
    return value ? *value : std::string_view();
  });
}

rt::Task<Result<std::vector<CacheEvent>>> ConvertedWatcher::next(rt::Context ctx) {
  while (true) {
    CO_TRY_ASSIGN(std::vector<CacheEvent> events, co_await inner_->next(ctx));
    std::vector<CachedObjectPtr> states;
    for (const CacheEvent& event : events) {
      if (event.object) states.push_back(event.object);
      if (event.previous) states.push_back(event.previous);
    }
    auto shown = co_await versions_->show(ctx, std::move(states), version_);
    if (!shown && ctx.done()) co_return Unexpected(std::move(shown.error()));
    if (!shown) co_return internal(std::move(shown.error().message));
    auto next = shown->begin();
    std::vector<CacheEvent> out;
    for (CacheEvent& event : events) {
      if (event.object) event.object = std::move(*next++);
      if (event.previous) event.previous = std::move(*next++);
      if (event.type == CacheEventType::Bookmark || fields_.empty()) {
        out.push_back(std::move(event));
        continue;
      }
      const bool was = event.previous && matches_fields(fields_, event.previous->header());
      const bool is = event.type != CacheEventType::Deleted && matches_fields(fields_, event.object->header());
      if (!was && !is) continue;
      event.type = was && is ? CacheEventType::Modified : is ? CacheEventType::Added : CacheEventType::Deleted;
      out.push_back(std::move(event));
    }
    if (!out.empty()) co_return out;
  }
}

}  // namespace pintle::apiserver::registry
