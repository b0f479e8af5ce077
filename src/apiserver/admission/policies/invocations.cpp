#include "apiserver/admission/policies/invocations.h"

#include <array>

namespace pintle::apiserver::admission::policies {

bool is_exempt(const AdmissionAttributes& a) {
  const std::string& group = a.resource.group;
  if (group == "authentication.k8s.io" || group == "authorization.k8s.io") return true;
  constexpr std::array<std::string_view, 4> own{"validatingadmissionpolicies", "validatingadmissionpolicybindings", "mutatingadmissionpolicies",
                                                "mutatingadmissionpolicybindings"};
  return group == "admissionregistration.k8s.io" && std::ranges::find(own, a.resource.resource) != own.end();
}

const configured::Labels* RequestNamespace::labels() {
  if (a_.is("", "namespaces")) return configured::labels_of(a_.object != nullptr ? a_.object : a_.old_object);
  const auto found = object();
  return found ? configured::labels_of(*found) : nullptr;
}

Result<const api::Object*> RequestNamespace::object() {
  if (a_.ns.empty() || a_.is("", "namespaces")) return nullptr;
  if (!read_) read_ = reader_.view({"", "namespaces"}, "", a_.ns);
  if (!*read_) return Unexpected(read_->error());
  return (*read_)->get();
}

}  // namespace pintle::apiserver::admission::policies
