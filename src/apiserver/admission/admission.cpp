#include "apiserver/admission/admission.h"

#include "api/gen/meta_v1.h"
#include "apimachinery/apply/metadata_access.h"
#include "apiserver/types/errors.h"
#include "base/check.h"

namespace pintle::apiserver::admission {
namespace {

const api::meta_v1::ObjectMeta* metadata_of(const api::Object* object) { return object && *object ? apimachinery::find_metadata(*object) : nullptr; }

}  // namespace

std::string_view operation_name(Operation operation) {
  switch (operation) {
    case Operation::Create: return "CREATE";
    case Operation::Update: return "UPDATE";
    case Operation::Delete: return "DELETE";
    case Operation::Connect: return "CONNECT";
  }
  return {};
}

bool AuditAnnotations::add(std::string key, std::string value, Level level) {
  if (const auto found = all_.find(key); found != all_.end()) return found->second.value == value;
  const std::size_t bytes = key.size() + value.size();
  if (bytes > bytes_max - bytes_) return false;
  bytes_ += bytes;
  all_.emplace(std::move(key), Annotation{std::move(value), level});
  return true;
}

void note_labels(const AdmissionAttributes& attributes, const api::Object& object) {
  const auto* const metadata = metadata_of(&object);
  if (attributes.unlabelled != nullptr && metadata != nullptr) *attributes.unlabelled = metadata->labels.empty();
}

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
