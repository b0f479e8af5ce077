#include "apiserver/admission/policies/shown_objects.h"

namespace pintle::apiserver::admission::policies {

rt::Task<Result<ShownObjects::Shown>> ShownObjects::in(rt::Context ctx, std::optional<std::size_t> version) {
  Shown out;
  const bool has_object = a_.object != nullptr && *a_.object;
  const bool has_old = a_.old_object != nullptr && *a_.old_object;
  if (!version) {
    out.object = has_object ? a_.object : nullptr;
    out.old_object = has_old ? a_.old_object : nullptr;
    co_return out;
  }
  Kept& kept = kept_[*version];
  if (has_object && !kept.object) {
    CO_TRY_ASSIGN(kept.object, co_await a_.versions->show(ctx, *a_.object, *version));
  }
  if (has_old && !kept.old_object) {
    CO_TRY_ASSIGN(kept.old_object, co_await a_.versions->show(ctx, *a_.old_object, *version));
  }
  if (has_object) out.object = &*kept.object;
  if (has_old) out.old_object = &*kept.old_object;
  co_return out;
}

void ShownObjects::changed() {
  for (auto& [version, kept] : kept_) kept.object.reset();
}

}  // namespace pintle::apiserver::admission::policies
