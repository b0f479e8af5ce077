// ImagePuller: makes sure that the image of a container is on the node and that its pod may use it, by its pull policy, with the pod's
// secrets. An image of which the pod has not shown that yet is pulled again: that asks the registry. Failed
// pulls wait before the next try (10 s, doubled up to 5 min); pulls run one after another or some at once, as configured. Belongs to the
// kubelet's executor.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/gen/core_v1.h"
#include "api/gen/cri_v1.h"
#include "base/expected.h"
#include "cri/runtime_client.h"
#include "kubelet/images/credential_providers.h"
#include "kubelet/images/credentials.h"
#include "kubelet/images/image_access.h"
#include "kubelet/images/node_credentials.h"
#include "kubelet/referenced_objects/referenced_objects.h"
#include "kubelet/types/pod.h"
#include "kubelet/types/pod_events.h"
#include "kubelet/types/waiting_reason.h"
#include "rt/growing_wait.h"
#include "rt/rate_limiter.h"
#include "rt/sync.h"

namespace pintle::kubelet::images {

constexpr rt::Duration image_backoff_initial = std::chrono::seconds(10);
constexpr rt::Duration image_backoff_max = std::chrono::minutes(5);

struct PulledImage {
  std::string ref;             // the runtime's id
  std::optional<int64_t> uid;  // the image's user
  std::string username;
};

struct ImagePullerDeps {
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  PodEvents& events;
  referenced_objects::ReferencedObjects* objects = nullptr;  // nullptr: no secrets
  ImageAccess* access = nullptr;                             // nullptr: what is on the node is for everyone
  NodeCredentials* node_credentials = nullptr;               // nullptr: the node has none of its own
  CredentialProviders* providers = nullptr;                  // nullptr: there are no programs
  std::function<void()> pulled;                              // the node has another image; may be empty
};

struct ImagePullerOptions {
  std::size_t parallel_pulls_max = 1;  // 0: no limit
  double pulls_per_second = 0;         // registryPullQPS; 0: no limit. A pull past it fails, and is tried again like any other.
  double pull_burst = 1;
};

struct ImageRequest {
  PodPtr pod;
  std::string container;  // for the events; "" for an image volume
  std::string image;
  std::string pull_policy;
  api::cri_v1::PodSandboxConfig sandbox;
  std::string runtime_handler;
};

class ImagePuller {
 public:
  explicit ImagePuller(ImagePullerDeps deps, ImagePullerOptions options = {});
  // The image, or why the container waits: ErrImagePull, ImagePullBackOff, ErrImageNeverPull, InvalidImageName, ImageInspectError.
  rt::Task<Expected<PulledImage, WaitingReason>> ensure(rt::Context ctx, ImageRequest request);
  // When the wait for this pod's image ends; nullopt: it may be pulled now.
  std::optional<rt::TimePoint> retry_at(const std::string& pod_uid, const std::string& image) const;
  // The pod is gone: its waits are forgotten.
  void forget(const std::string& pod_uid);

 private:
  struct Backoff {
    rt::GrowingWait<rt::TimePoint> wait;
    std::string error;
  };
  using Key = std::pair<std::string, std::string>;  // pod uid, image

  using Credentials = std::vector<RegistryCredential>;
  // An image that was pulled.
  struct Fetched {
    std::string ref;          // as the pull calls it
    CredentialSource source;  // whose the credential was that it took
    std::optional<api::cri_v1::Image> status;
  };

  rt::Task<Expected<PulledImage, WaitingReason>> pull(rt::Context ctx, ImageRequest request, std::string image, std::optional<Credentials> known);
  rt::Task<Expected<PulledImage, WaitingReason>> pull_now(rt::Context ctx, ImageRequest request, std::string image, std::optional<Credentials> known);
  rt::Task<Result<Fetched>> pull_recorded(rt::Context ctx, const ImageRequest& request, std::string image, std::optional<Credentials> known);
  rt::Task<Result<Fetched>> pull_with_credentials(rt::Context ctx, const ImageRequest& request, std::string image, std::optional<Credentials> known);
  rt::Task<Result<Credentials>> credentials(rt::Context ctx, PodPtr pod, std::string image);
  rt::Task<Result<Credentials>> credentials_of_secrets(rt::Context ctx, PodPtr pod);
  rt::Task<PodCredentials> show(rt::Context ctx, PodPtr pod, std::string image, std::optional<Credentials>* known);
  api::cri_v1::ImageSpec spec(const ImageRequest& request, const std::string& image) const;
  rt::Task<std::optional<api::cri_v1::Image>> find(rt::Context ctx, const ImageRequest& request, const std::string& image);
  void failed(const Key& key, std::string error);

  ImagePullerDeps deps_;
  std::optional<rt::RateLimiter> limiter_;
  rt::Channel<Unit> running_;  // a place for each pull that may run
  std::map<Key, Backoff> backoffs_;
};

}  // namespace pintle::kubelet::images
