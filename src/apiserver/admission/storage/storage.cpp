#include "apiserver/admission/factories.h"

#include <algorithm>

#include "api/gen/core_v1.h"
#include "api/gen/storage_v1.h"
#include "apiserver/admission/default_class.h"
#include "rules/pod_claims.h"

namespace pintle::apiserver::admission {
namespace {

using api::core_v1::PersistentVolume;
using api::core_v1::PersistentVolumeClaim;
using api::storage_v1::StorageClass;
using api::storage_v1::VolumeAttributesClass;

constexpr std::string_view class_annotation = "volume.beta.kubernetes.io/storage-class";

// The class a claim names, by the old annotation too; "": none.
std::string class_of(const PersistentVolumeClaim& claim) {
  const std::string* old = claim.metadata.annotations.get(class_annotation);
  return old ? *old : claim.spec.storage_class_name.value_or("");
}

class DefaultStorageClass : public AdmissionPlugin {
 public:
  explicit DefaultStorageClass(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "DefaultStorageClass"; }
  bool handles(Operation operation) const override { return operation == Operation::Create; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (!a.is("", "persistentvolumeclaims") || !a.subresource.empty()) return Unit{};
    auto* claim = a.object_as<PersistentVolumeClaim>();
    if (!claim || claim->spec.storage_class_name || claim->metadata.annotations.contains(class_annotation)) return Unit{};
    const auto fallback =
        find_default_class<StorageClass>(reader_, {"storage.k8s.io", "storageclasses"},
                                         {"storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"});
    if (fallback) claim->spec.storage_class_name = fallback->metadata.name;
    return Unit{};
  }

 private:
  const ResourceReader& reader_;
};

class StorageObjectInUseProtection : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "StorageObjectInUseProtection"; }
  bool handles(Operation operation) const override { return operation == Operation::Create; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (!a.subresource.empty()) return Unit{};
    if (a.is("", "persistentvolumes")) protect(a.object_as<PersistentVolume>(), "kubernetes.io/pv-protection");
    if (a.is("", "persistentvolumeclaims")) protect(a.object_as<PersistentVolumeClaim>(), rules::claim_protection_finalizer);
    if (a.is("storage.k8s.io", "volumeattributesclasses")) protect(a.object_as<VolumeAttributesClass>(), "kubernetes.io/vac-protection");
    return Unit{};
  }

 private:
  template <class T>
  static void protect(T* object, std::string_view finalizer) {
    if (!object) return;
    auto& finalizers = object->metadata.finalizers;
    if (std::find(finalizers.begin(), finalizers.end(), finalizer) == finalizers.end()) finalizers.emplace_back(finalizer);
  }
};

class PersistentVolumeClaimResize : public AdmissionPlugin {
 public:
  explicit PersistentVolumeClaimResize(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "PersistentVolumeClaimResize"; }
  bool handles(Operation operation) const override { return operation == Operation::Update; }
  AdmissionNow validate_now(const AdmissionAttributes& a) override {
    if (!a.is("", "persistentvolumeclaims") || !a.subresource.empty()) return Unit{};
    const auto* claim = a.object_as<PersistentVolumeClaim>();
    const auto* old = a.old_as<PersistentVolumeClaim>();
    if (!claim || !old || size_of(*claim) <= size_of(*old)) return Unit{};
    if (old->status.phase != "Bound") return Result<Unit>(refuse(a, "Only bound persistent volume claims can be expanded"));
    const std::string name = class_of(*claim);
    const auto its_class = reader_.get_as<StorageClass>({"storage.k8s.io", "storageclasses"}, "", name);
    if (name.empty() || name != class_of(*old) || !its_class || !its_class->allow_volume_expansion.value_or(false))
      return Result<Unit>(
          refuse(a, "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"));
    return Unit{};
  }

 private:
  struct Size {
    api::Quantity quantity;
    bool operator<=(const Size& other) const { return quantity.compare(other.quantity) <= 0; }
  };
  static Size size_of(const PersistentVolumeClaim& claim) {
    const api::Quantity* size = claim.spec.resources.requests.get("storage");
    return {size ? *size : api::Quantity()};
  }
  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_default_storage_class(const AdmissionDeps& deps) { return std::make_unique<DefaultStorageClass>(deps); }
std::unique_ptr<AdmissionPlugin> make_storage_object_in_use_protection(const AdmissionDeps&) {
  return std::make_unique<StorageObjectInUseProtection>();
}
std::unique_ptr<AdmissionPlugin> make_persistent_volume_claim_resize(const AdmissionDeps& deps) {
  return std::make_unique<PersistentVolumeClaimResize>(deps);
}

}  // namespace pintle::apiserver::admission
