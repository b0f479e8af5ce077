#include "apiserver/admission/configured/request_views.h"

#include "api/codec.h"
#include "apiserver/admission/configured/object_patch.h"

namespace pintle::apiserver::admission::configured {

namespace {

std::string encode(const api::Object& object, const api::GroupVersionKind& kind) {
  std::string out;
  api::encode_json(object.type(), object.data(), out, &kind);
  return out;
}

}  // namespace

rt::Task<Result<RequestViews::View*>> RequestViews::view(rt::Context ctx, std::optional<std::size_t> index) {
  Made& made = views_[index];
  const api::GroupVersionKind& kind = kind_in(a_, index);
  if (!made.object && a_.object != nullptr && *a_.object) {
    CO_TRY_ASSIGN(made.view.object, co_await shown_object(ctx, a_, *a_.object, index));
    made.view.texts.object = encode(made.view.object, kind);
  }
  if (!made.old_object && a_.old_object != nullptr && *a_.old_object) {
    CO_TRY_ASSIGN(made.view.old_object, co_await shown_object(ctx, a_, *a_.old_object, index));
    made.view.texts.old_object = encode(made.view.old_object, kind);
  }
  made.object = made.old_object = true;
  co_return &made.view;
}

void RequestViews::object_changed() {
  for (auto& [index, made] : views_) made.object = false;
}

}  // namespace pintle::apiserver::admission::configured
