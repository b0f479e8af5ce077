#include "apiserver/admission/factories.h"

#include <fmt/format.h>

#include "api/gen/core_v1.h"
#include "apiserver/admission/limit_ranger/limits.h"

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

constexpr std::size_t limit_ranges_bytes_max = 256 << 10;  // of a namespace: every pod of it is held against all of them

class LimitRanger : public AdmissionPlugin {
 public:
  explicit LimitRanger(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "LimitRanger"; }
  bool handles(Operation operation) const override { return operation == Operation::Create || operation == Operation::Update; }

  AdmissionNow admit_now(AdmissionAttributes& a) override { return fill_in(a); }
  AdmissionNow validate_now(const AdmissionAttributes& a) override { return check(a); }

 private:
  Result<Unit> fill_in(AdmissionAttributes& a) const {
    Pod* pod = concerns(a) ? a.object_as<Pod>() : nullptr;
    if (!pod) return Unit{};
    TRY_ASSIGN(const auto ranges, ranges_of(a));
    for (const auto& range : ranges) TRY(apply_defaults(range, *pod));
    return Unit{};
  }
  Result<Unit> check(const AdmissionAttributes& a) const {
    if (!concerns(a)) return Unit{};
    TRY_ASSIGN(const auto ranges, ranges_of(a));
    for (const auto& range : ranges) {
      std::vector<std::string> bad;
      if (const auto* pod = a.object_as<Pod>()) {
        TRY_ASSIGN(bad, violations(range, pod->spec));
      }
      if (const auto* claim = a.object_as<PersistentVolumeClaim>()) bad = violations(range, claim->spec);
      if (bad.size() == 1) return refuse(a, bad.front());
      if (!bad.empty()) return refuse(a, fmt::format("[{}]", fmt::join(bad, ", ")));
    }
    return Unit{};
  }
  // A pod's resources change in a resize alone; what is being deleted is left in peace.
  static bool concerns(const AdmissionAttributes& a) {
    const bool update = a.operation == Operation::Update;
    if (is_pods(a)) {
      if (update && (a.subresource != "resize" || (a.old_as<Pod>() && a.old_as<Pod>()->metadata.deletion_timestamp))) return false;
      return update || a.subresource.empty();
    }
    if (!a.is("", "persistentvolumeclaims") || !a.subresource.empty()) return false;
    const auto* old = a.old_as<PersistentVolumeClaim>();
    return !old || !old->metadata.deletion_timestamp;
  }
  Result<std::vector<LimitRange>> ranges_of(const AdmissionAttributes& a) const {
    const GroupResource resource{"", "limitranges"};
    std::vector<LimitRange> out;
    std::size_t bytes = 0;
    for (const auto& cached : reader_.list(resource, a.ns)) {
      bytes += cached->wire().size();
      if (bytes > limit_ranges_bytes_max)
        return refuse(a, fmt::format("the limit ranges of namespace {} have more than {} bytes in all", a.ns, limit_ranges_bytes_max));
      auto object = reader_.decode(resource, *cached);
      if (object) out.push_back(std::move(object->as<LimitRange>()));
    }
    return out;
  }
  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_limit_ranger(const AdmissionDeps& deps) { return std::make_unique<LimitRanger>(deps); }

}  // namespace pintle::apiserver::admission
