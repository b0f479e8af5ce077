#include "apiserver/admission/factories.h"

#include "api/gen/networking_v1.h"
#include "apiserver/admission/default_class.h"

namespace pintle::apiserver::admission {
namespace {

class DefaultIngressClass : public AdmissionPlugin {
 public:
  explicit DefaultIngressClass(const AdmissionDeps& deps) : reader_(deps.reader) {}
  std::string_view name() const override { return "DefaultIngressClass"; }
  bool handles(Operation operation) const override { return operation == Operation::Create; }
  AdmissionNow admit_now(AdmissionAttributes& a) override {
    if (!a.is("networking.k8s.io", "ingresses") || !a.subresource.empty()) return Unit{};
    auto* ingress = a.object_as<api::networking_v1::Ingress>();
    if (!ingress || ingress->spec.ingress_class_name || ingress->metadata.annotations.contains("kubernetes.io/ingress.class")) return Unit{};
    const auto fallback = find_default_class<api::networking_v1::IngressClass>(reader_, {"networking.k8s.io", "ingressclasses"},
                                                                               {"ingressclass.kubernetes.io/is-default-class"});
    if (fallback) ingress->spec.ingress_class_name = fallback->metadata.name;
    return Unit{};
  }

 private:
  const ResourceReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> make_default_ingress_class(const AdmissionDeps& deps) { return std::make_unique<DefaultIngressClass>(deps); }

}  // namespace pintle::apiserver::admission
