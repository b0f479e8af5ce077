// Which policies and bindings a request meets, before any of them is evaluated.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/admission/policies/params.h"
#include "apiserver/admission/policies/policy_source.h"

namespace pintle::apiserver::admission::policies {

// Policies and their bindings are what takes a wrong policy back, and reviews ask what may be done: no policy sees either.
bool is_exempt(const AdmissionAttributes& attributes);

// The namespace a request is in, read when it is first asked for. Lives with the request.
class RequestNamespace {
 public:
  RequestNamespace(const ResourceReader& reader, const AdmissionAttributes& a) : reader_(reader), a_(a) {}
  // nullptr: it is in none, or that is gone. Of a request about a namespace: its own.
  const configured::Labels* labels();
  // What expressions see: none of a request about a namespace. NotFound.
  Result<const api::Object*> object();

 private:
  const ResourceReader& reader_;
  const AdmissionAttributes& a_;
  std::optional<Result<std::shared_ptr<const api::Object>>> read_;
};

// One binding that selects the request, or what is wrong with it.
template <class Kind>
struct Invocation {
  std::shared_ptr<const typename PolicySource<Kind>::Entry> entry;
  std::shared_ptr<const Binding> binding;  // nullptr: the policy itself is wrong
  std::optional<std::size_t> version;      // of the attributes' versions, in which the policy sees the request
  std::string error;                       // "": none
};

template <class Kind>
std::vector<Invocation<Kind>> select_invocations(const std::vector<typename PolicySource<Kind>::Hook>& hooks, const ResourceReader& reader,
                                                 const AdmissionAttributes& a, RequestNamespace& ns) {
  std::vector<Invocation<Kind>> out;
  for (const auto& hook : hooks) {
    const Policy& policy = hook.entry->policy;
    if (!policy.has_constraints) {
      out.push_back({hook.entry, nullptr, {}, "failed to configure policy: policy contained no match constraints, a required field"});
      continue;
    }
    const auto by_rules = configured::select_by_rules(policy.selection, a);
    if (!by_rules || !configured::select_by_labels(policy.selection, a, ns.labels())) continue;
    if (policy.param_kind) {
      if (const auto known = find_param_kind(reader, *policy.param_kind); !known) {
        out.push_back({hook.entry, nullptr, {}, "failed to configure policy: " + known.error().message});
        continue;
      }
    }
    for (const auto& binding : hook.bindings)
      if (!binding->selection || configured::selects(*binding->selection, a, ns.labels()))
        out.push_back({hook.entry, binding, by_rules->version, {}});
  }
  return out;
}

}  // namespace pintle::apiserver::admission::policies
