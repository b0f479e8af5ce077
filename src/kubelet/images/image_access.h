// ImageAccess: who may use an image that is on the node. An image that the kubelet pulled with a secret is for pods that have that
// secret, or that show by a pull of their own that the registry lets them; one that came by other means is judged by the policy.
// What cannot be known is not granted: then the image is pulled again, which asks the registry. Belongs to the kubelet's executor.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cri/runtime_client.h"
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
  // `source`: the secret that it was pulled with; nullopt: the registry gives it to anyone.
  rt::Task<void> pulled(std::string image, std::string image_ref, std::optional<ImagePullSecret> source);

  // Whether a pod with these secrets must pull the image though it is on the node. With nothing to verify `secrets` is never looked at.
  rt::Task<bool> must_pull(rt::Context ctx, std::string image, std::string image_ref, std::vector<ImagePullSecret> secrets);
  bool off() const { return policy_.off(); }

  rt::Task<void> removed(std::string image_ref);
  // Forgets images that are not among `image_refs` and were not pulled since `before`.
  rt::Task<void> keep_only(std::vector<std::string> image_refs, rt::WallTime before);

 private:
  rt::Task<bool> adopt(rt::Context ctx);
  enum class Outcome : uint8_t { Pulled, Failed, Unknown };
  rt::Task<void> end_pull(std::string image, Outcome outcome);
  Result<Unit> note(const std::string& image, const std::string& image_ref, const ImagePullCredentials& credentials);
  Result<bool> judge(const std::string& image, const std::string& image_ref, const std::vector<ImagePullSecret>& secrets);

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
