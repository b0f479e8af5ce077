// For which images that are on the node already a pod must show that its own credentials pull them
// (KubeletEnsureSecretPulledImages): imagePullCredentialsVerificationPolicy and preloadedImagesVerificationAllowlist. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeletconfig_v1beta1.h"
#include "base/status.h"

namespace pintle::kubelet::images {

class VerificationPolicy {
 public:
  // Invalid: a policy that is none, a list that the policy does not take, or an entry that is no image without tag or digest.
  static Result<VerificationPolicy> make(const api::kubeletconfig_v1beta1::KubeletConfiguration& config);

  // `pulled_here`: the kubelet has pulled it, or began to.
  bool must_verify(std::string_view image, bool pulled_here) const;
  // Nothing is ever verified: no records are kept either.
  bool off() const { return kind_ == Kind::Never; }

 private:
  enum class Kind { Never, NeverPreloaded, NeverListed, Always };
  bool is_listed(std::string_view image) const;

  Kind kind_ = Kind::NeverPreloaded;
  std::set<std::string, std::less<>> names_;
  std::vector<std::string> prefixes_;  // of entries "PREFIX/*"
};

}  // namespace pintle::kubelet::images
