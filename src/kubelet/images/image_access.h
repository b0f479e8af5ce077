// ImageAccess: who may use an image that is on the node. An image that the kubelet pulled with a secret is for pods that have that
// secret, or that show by a pull of their own that the registry lets them; one that came by other means is judged by the policy.
// What cannot be known is not granted: then the image is pulled again, which asks the registry. Belongs to the kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cri/runtime_client.h"
#include "kubelet/images/credentials.h"
#include "kubelet/images/pull_records.h"
#include "kubelet/images/verification_policy.h"
#include "rt/runtime.h"
#include "rt/sync.h"

namespace pintle::kubelet::images {

class ImageAccess {
 public:
  ImageAccess(rt::Runtime& runtime, cri::RuntimeClient& cri, VerificationPolicy policy, const std::string& root_dir)
      : runtime_(runtime), cri_(cri), policy_(std::move(policy)), records_(root_dir) {}

  // Before a pull; without it no pull may begin.
  rt::Task<Result<Unit>> begin_pull(rt::Context ctx, std::string image);
  // `uncertain`: the runtime may have the image all the same. Then it stays on record as begun, and nobody takes it for one that was
  // always there.
  rt::Task<void> pull_failed(std::string image, bool uncertain);
  // `source`: whose the credential was that it was pulled with; nobody's: the registry gives it to anyone of this node.
  rt::Task<void> pulled(std::string image, std::string image_ref, CredentialSource source);

  // Whether a pod must pull the image though it is on the node. `mine`: what the pod can show; asked for only where it decides.
  using Showing = std::function<rt::Task<PodCredentials>()>;
  rt::Task<bool> must_pull(rt::Context ctx, std::string image, std::string image_ref, Showing mine);
  bool off() const { return policy_.off(); }

  rt::Task<void> removed(std::string image_ref);
  // Forgets images that are not among `image_refs` and were not pulled since `before`.
  rt::Task<void> keep_only(std::vector<std::string> image_refs, rt::WallTime before);

 private:
  rt::Task<bool> adopt(rt::Context ctx);
  enum class Outcome : uint8_t { Pulled, Failed, Unknown };
  rt::Task<void> end_pull(std::string image, Outcome outcome);
  Result<Unit> note(const std::string& image, const std::string& image_ref, const ImagePullCredentials& credentials);
  // Whether it must be pulled; `mine`: nullptr: not known yet, then nullopt where it decides.
  Result<std::optional<bool>> judge(const std::string& image, const std::string& image_ref, const PodCredentials* mine);
  rt::Task<std::optional<bool>> judge_recorded(rt::Context ctx, std::string image, std::string image_ref, const PodCredentials* mine);

  rt::Runtime& runtime_;
  cri::RuntimeClient& cri_;
  const VerificationPolicy policy_;
  const PullRecords records_;
  rt::AsyncMutex working_;  // around what reads and writes records
  struct Pulls {
    int count = 0;
    bool keep = false;  // an earlier one left its record: a failure does not take that away
  };
  std::map<std::string, Pulls> under_way_;  // by image
  bool adopted_ = false;
};

}  // namespace pintle::kubelet::images
