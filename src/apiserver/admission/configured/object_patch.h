// A JSON patch on the object of a request, as mutating webhooks and policies answer it.
#pragma once

#include <cstddef>
#include <optional>

#include "apiserver/admission/admission.h"
#include "codec/value.h"

namespace pintle::apiserver::admission::configured {

// The kind of the object in version `index` of those that `a` has; nullopt: as `a` holds it.
const api::GroupVersionKind& kind_in(const AdmissionAttributes& a, std::optional<std::size_t> index);

// The object of `a` in that version. InternalError where the conversion fails.
rt::Task<Result<api::Object>> shown_object(rt::Context ctx, const AdmissionAttributes& a, const api::Object& object,
                                           std::optional<std::size_t> index);

// Changes the object of `a` by RFC 6902 `operations` on its JSON in that version: read, pruned and defaulted again as a client's; bounded as a
// client's patch (apimachinery/patch). `shown`: the object in that version. Whether anything has changed. InternalError, with the reason's text,
// for operations that do not apply or leave no object of its kind. All but the context outlives the task.
rt::Task<Result<bool>> patch_object(rt::Context ctx, AdmissionAttributes& a, std::optional<std::size_t> index, const api::Object& shown,
                                    const codec::Value& operations);

}  // namespace pintle::apiserver::admission::configured
