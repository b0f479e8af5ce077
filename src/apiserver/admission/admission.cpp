#include "apiserver/admission/admission.h"

#include "api/gen/meta_v1.h"
#include "apiserver/types/errors.h"
#include "base/check.h"

namespace pintle::apiserver::admission {
namespace {

const api::meta_v1::ObjectMeta* metadata_of(const api::Object* object) {
  if (!object || !*object) return nullptr;
  const api::KindInfo* kind = api::kind_of(object->type());
  if (!kind || kind->is_list || kind->metadata_offset < 0) return nullptr;
  return reinterpret_cast<const api::meta_v1::ObjectMeta*>(static_cast<const char*>(object->data()) + kind->metadata_offset);
}

}  // namespace

rt::Task<Result<Unit>> AdmissionPlugin::admit(rt::Context, AdmissionAttributes& attributes) {
  auto answer = admit_now(attributes);
  CHECK(answer, "a plugin that waits overrides admit()");
  co_return std::move(*answer);
}

rt::Task<Result<Unit>> AdmissionPlugin::validate(rt::Context, const AdmissionAttributes& attributes) {
  auto answer = validate_now(attributes);
  CHECK(answer, "a plugin that waits overrides validate()");
  co_return std::move(*answer);
}

Unexpected<Status> refuse(const AdmissionAttributes& attributes, std::string_view why) {
  std::string name = attributes.name;
  if (name.empty()) {
    name = "Unknown";
    if (const auto* metadata = metadata_of(attributes.object)) {
      if (!metadata->name.empty())
        name = metadata->name;
      else if (!metadata->generate_name.empty())
        name = metadata->generate_name;
    }
  }
  return Unexpected(errors::forbidden(attributes.resource, name, why));
}

}  // namespace pintle::apiserver::admission
