#include "kubelet/images/verification_policy.h"

#include <algorithm>

#include "kubelet/images/image_name.h"

namespace pintle::kubelet::images {

namespace {

constexpr std::string_view list_field = "preloadedImagesVerificationAllowlist";

Unexpected<Status> bad_entry(const std::string& entry, std::string_view why) {
  return error(Reason::Invalid, std::string(list_field) + ": \"" + entry + "\": " + std::string(why));
}

// "docker.io/library/busybox"; "": no image name.
std::string full_name(std::string_view image) {
  const auto name = parse_image_name(image);
  return name ? name->registry + "/" + name->repository : std::string();
}

}  // namespace

Result<VerificationPolicy> VerificationPolicy::make(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  VerificationPolicy out;
  const std::string& policy = config.image_pull_credentials_verification_policy;
  const bool* gate = config.feature_gates.get("KubeletEnsureSecretPulledImages");
  if (policy == "NeverVerify" || (gate && !*gate))
    out.kind_ = Kind::Never;
  else if (policy == "AlwaysVerify")
    out.kind_ = Kind::Always;
  else if (policy == "NeverVerifyAllowlistedImages")
    out.kind_ = Kind::NeverListed;
  else if (!policy.empty() && policy != "NeverVerifyPreloadedImages")
    return error(Reason::Invalid, "imagePullCredentialsVerificationPolicy: \"" + policy +
                                      "\" is none of NeverVerify, NeverVerifyPreloadedImages, NeverVerifyAllowlistedImages, AlwaysVerify");
  const auto& entries = config.preloaded_images_verification_allowlist;
  if (!entries.empty() && policy != "NeverVerifyAllowlistedImages")
    return error(Reason::Invalid, std::string(list_field) + ": only the policy NeverVerifyAllowlistedImages takes it");
  for (const std::string& entry : entries) {
    const bool prefix = entry.ends_with("/*");
    const std::string name = prefix ? entry.substr(0, entry.size() - 1) : entry;
    if (name.empty()) return bad_entry(entry, "it is empty");
    if (name.find('*') != std::string::npos) return bad_entry(entry, "a \"*\" may only follow the last slash");
    if (prefix && name.size() == 1) return bad_entry(entry, "it must name a registry");
    if (!prefix && full_name(name) != name) return bad_entry(entry, "not the full name of an image without tag and digest");
    if (prefix)
      out.prefixes_.push_back(name);
    else
      out.names_.insert(name);
  }
  return out;
}

bool VerificationPolicy::is_listed(std::string_view image) const {
  const std::string name = full_name(image);
  if (name.empty()) return false;
  return names_.contains(name) || std::ranges::any_of(prefixes_, [&](const std::string& prefix) { return name.starts_with(prefix); });
}

bool VerificationPolicy::must_verify(std::string_view image, bool pulled_here) const {
  switch (kind_) {
    case Kind::Never: return false;
    case Kind::NeverPreloaded: return pulled_here;
    case Kind::NeverListed: return !is_listed(image);
    case Kind::Always: return true;
  }
  return true;
}

}  // namespace pintle::kubelet::images
