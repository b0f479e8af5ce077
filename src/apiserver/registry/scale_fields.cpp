#include "api/codec.h"
#include "apiserver/registry/strategy.h"
#include "base/check.h"

namespace pintle::apiserver::registry {
namespace {

// The int32 of a part ("spec.replicas"); nullptr where it is absent.
int32_t* replicas_of(api::Object& object, std::string_view part, bool make) {
  const api::Field* outer = object.type().find_field(part);
  const api::Field* inner = outer ? outer->type->find_field("replicas") : nullptr;
  CHECK(inner != nullptr, "a resource with a scale counts replicas");
  void* at = api::field_address(api::field_address(object.data(), *outer), *inner);
  if (inner->type->kind != api::Kind::Optional) return static_cast<int32_t*>(at);
  void* value = inner->type->pointer->get(at);
  if (value == nullptr && make) value = inner->type->pointer->emplace(at);
  return static_cast<int32_t*>(value);
}

class UsualFields final : public ScaleFields {
 public:
  explicit UsualFields(std::string (*selector)(const api::Object&)) : selector_(selector) {}
  Result<Replicas> read(const api::Object& object) const override {
    api::Object copy = object;
    Replicas out;
    out.wanted = 0;
    if (const int32_t* wanted = replicas_of(copy, "spec", false)) out.wanted = *wanted;
    if (const int32_t* present = replicas_of(copy, "status", false)) out.present = *present;
    out.selector = selector_(object);
    return out;
  }
  Result<Unit> write(api::Object& object, int32_t wanted) const override {
    *replicas_of(object, "spec", true) = wanted;
    return Unit{};
  }

 private:
  std::string (*selector_)(const api::Object&);
};

}  // namespace

std::shared_ptr<const ScaleFields> usual_scale_fields(std::string (*selector)(const api::Object&)) { return std::make_shared<UsualFields>(selector); }

}  // namespace pintle::apiserver::registry
