#include "apiserver/admission/configured/object_patch.h"

#include "api/codec.h"
#include "api/defaults.h"
#include "api/untrusted.h"
#include "apimachinery/patch/json_patch.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::admission::configured {

namespace {

// The document as an object of the type of `before`.
Result<api::Object> patched(const api::Object& before, const api::GroupVersionKind& kind, const codec::Value& operations) {
  TRY_ASSIGN(codec::Value document, api::to_document(before.type(), before.data(), &kind));
  TRY_ASSIGN(const codec::Value changed, apimachinery::apply_json_patch(std::move(document), operations));
  if (changed.string_at("kind") != kind.kind || changed.string_at("apiVersion") != api::api_version(kind))
    return bad_request("a patch cannot change apiVersion or kind");
  api::Object after(before.type());
  TRY(api::decode_untrusted_value(changed, after.type(), after.data()));
  return after;
}

}  // namespace

const api::GroupVersionKind& kind_in(const AdmissionAttributes& a, std::optional<std::size_t> index) {
  return index ? a.versions->served()[*index].kind : a.kind;
}

rt::Task<Result<api::Object>> shown_object(rt::Context ctx, const AdmissionAttributes& a, const api::Object& object,
                                           std::optional<std::size_t> index) {
  if (!index) co_return object;
  auto shown = co_await a.versions->show(ctx, object, *index);
  if (!shown) co_return Unexpected(errors::internal_error(shown.error().message));
  co_return std::move(*shown);
}

rt::Task<Result<bool>> patch_object(rt::Context ctx, AdmissionAttributes& a, std::optional<std::size_t> index, const api::Object& shown,
                                    const codec::Value& operations) {
  auto after = patched(shown, kind_in(a, index), operations);
  if (!after) co_return Unexpected(errors::internal_error(after.error().message));
  if (api::equal(shown.type(), shown.data(), after->data())) co_return false;
  note_labels(a, *after);
  if (!index) {
    api::apply_defaults(after->type(), after->data());
    *a.object = std::move(*after);
    co_return true;
  }
  auto taken = co_await a.versions->take(ctx, std::move(*after), *index);
  if (!taken) co_return Unexpected(errors::internal_error(taken.error().message));
  *a.object = std::move(*taken);
  co_return true;
}

}  // namespace pintle::apiserver::admission::configured
