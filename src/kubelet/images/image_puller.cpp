#include "kubelet/images/image_puller.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/values.h"
#include "kubelet/images/credentials.h"
#include "kubelet/images/image_name.h"

namespace pintle::kubelet::images {

using namespace api::cri_v1;
using Outcome = Expected<PulledImage, WaitingReason>;

namespace {

constexpr std::size_t pulls_unlimited = 10000;

Unexpected<WaitingReason> waits(std::string reason, std::string message) { return Unexpected(WaitingReason{std::move(reason), std::move(message)}); }

PulledImage from_status(const Image& image) {
  PulledImage out;
  out.ref = image.id;
  if (image.uid) out.uid = image.uid->value;
  out.username = image.username;
  return out;
}

std::string rounded(rt::Duration duration) {
  const auto millis = std::chrono::round<std::chrono::milliseconds>(duration);
  return api::format_duration(api::Duration{std::chrono::nanoseconds(millis).count()});
}

}  // namespace

ImagePuller::ImagePuller(ImagePullerDeps deps, ImagePullerOptions options)
    : deps_(std::move(deps)), running_(options.parallel_pulls_max == 0 ? pulls_unlimited : options.parallel_pulls_max) {
  if (options.pulls_per_second > 0) limiter_.emplace(deps_.runtime.clock(), options.pulls_per_second, std::max(options.pull_burst, 1.0));
}

ImageSpec ImagePuller::spec(const ImageRequest& request, const std::string& image) const {
  ImageSpec out;
  out.image = image;
  out.user_specified_image = request.image;
  out.runtime_handler = request.runtime_handler;
  out.annotations = request.sandbox.annotations;
  return out;
}

rt::Task<Outcome> ImagePuller::ensure(rt::Context ctx, ImageRequest request) {
  const auto image = with_default_tag(request.image);
  if (!image) {
    std::string message = fmt::format("Failed to apply default image tag \"{}\": {}", request.image, image.error().message);
    deps_.events.warning(*request.pod, request.container, "InspectFailed", message);
    co_return waits("InvalidImageName", std::move(message));
  }
  std::optional<Credentials> known;
  const bool always = request.pull_policy == "Always" || request.pull_policy.empty();
  if (!always) {
    auto status = co_await deps_.cri.image_status(ctx, spec(request, *image), false);
    if (!status) {
      std::string message = fmt::format("Failed to inspect image \"{}\": {}", request.image, status.error().message);
      deps_.events.warning(*request.pod, request.container, "InspectFailed", message);
      co_return waits("ImageInspectError", std::move(message));
    }
    if (status->image && !status->image->id.empty()) {
      bool must_pull = false;
      if (deps_.access && !deps_.access->off()) {
        ImageAccess::Showing mine = [&] { return show(ctx, request.pod, *image, &known); };
        must_pull = co_await deps_.access->must_pull(ctx, request.image, status->image->id, std::move(mine));
      }
      if (!must_pull) {
        deps_.events.normal(*request.pod, request.container, "Pulled",
                            fmt::format("Container image \"{}\" already present on machine and can be accessed by the pod", request.image));
        co_return from_status(*status->image);
      }
    }
  }
  if (request.pull_policy == "Never") {
    std::string message = fmt::format("Container image \"{}\" is not present with pull policy of Never", request.image);
    deps_.events.warning(*request.pod, request.container, "ErrImageNeverPull", message);
    co_return waits("ErrImageNeverPull", std::move(message));
  }
  co_return co_await pull(std::move(ctx), std::move(request), *image, std::move(known));
}

rt::Task<Outcome> ImagePuller::pull(rt::Context ctx, ImageRequest request, std::string image, std::optional<Credentials> known) {
  const Key key{request.pod->metadata.uid, request.image};
  if (retry_at(key.first, key.second)) {
    std::string message = fmt::format("Back-off pulling image \"{}\"", request.image);
    deps_.events.normal(*request.pod, request.container, "BackOff", message);
    const Backoff& backoff = backoffs_.at(key);
    if (!backoff.error.empty()) message += ": " + backoff.error;
    co_return waits("ImagePullBackOff", std::move(message));
  }
  co_return co_await pull_now(std::move(ctx), std::move(request), std::move(image), std::move(known));
}

rt::Task<Outcome> ImagePuller::pull_now(rt::Context ctx, ImageRequest request, std::string image, std::optional<Credentials> known) {
  const Key key{request.pod->metadata.uid, request.image};
  deps_.events.normal(*request.pod, request.container, "Pulling", fmt::format("Pulling image \"{}\"", request.image));
  const auto& clock = deps_.runtime.clock();
  const auto asked = clock.now();
  auto place = co_await running_.send(ctx, Unit{});
  if (!place) co_return waits("ErrImagePull", place.error().message);
  const auto started = clock.now();
  auto pulled = co_await pull_recorded(ctx, request, image, std::move(known));
  (void)running_.try_receive();
  if (!pulled) {
    const std::string& why = pulled.error().message;
    deps_.events.warning(*request.pod, request.container, "Failed", fmt::format("Failed to pull image \"{}\": {}", request.image, why));
    if (!ctx.done()) failed(key, "ErrImagePull: " + why);
    co_return waits("ErrImagePull", why);
  }
  const auto ended = clock.now();
  backoffs_.erase(key);
  if (deps_.pulled) deps_.pulled();
  PulledImage out;
  out.ref = pulled->ref;
  uint64_t size = 0;
  if (pulled->status) {
    out = from_status(*pulled->status);
    size = pulled->status->size;
  }
  deps_.events.normal(*request.pod, request.container, "Pulled",
                      fmt::format("Successfully pulled image \"{}\" in {} ({} including waiting). Image size: {} bytes.", request.image,
                                  rounded(ended - started), rounded(ended - asked), size));
  co_return std::move(out);
}

// nullopt: it is not there, or nobody knows.
rt::Task<std::optional<Image>> ImagePuller::find(rt::Context ctx, const ImageRequest& request, const std::string& image) {
  auto status = co_await deps_.cri.image_status(std::move(ctx), spec(request, image), false);
  if (!status || !status->image || status->image->id.empty()) co_return std::nullopt;
  co_return std::move(*status->image);
}

// Whoever looks at the image while it is pulled, or after this process ended in the middle, finds that it is not everyone's.
rt::Task<Result<ImagePuller::Fetched>> ImagePuller::pull_recorded(rt::Context ctx, const ImageRequest& request, std::string image,
                                                                  std::optional<Credentials> known) {
  bool was_there = false;
  if (deps_.access) {
    const auto begun = co_await deps_.access->begin_pull(ctx, request.image);
    if (!begun)
      co_return internal(fmt::format("Failed to record image pull intent for container image \"{}\": {}", request.image, begun.error().message));
    if (!deps_.access->off()) {
      const auto before = co_await find(ctx, request, image);
      was_there = before.has_value();
    }
  }
  auto pulled = co_await pull_with_credentials(ctx, request, image, std::move(known));
  if (pulled) pulled->status = co_await find(ctx, request, image);
  if (!deps_.access) co_return std::move(pulled);
  if (pulled) {
    // By the id that later looks find it under; runtimes may call it otherwise when they pull.
    std::string id = pulled->status ? pulled->status->id : pulled->ref;
    co_await deps_.access->pulled(request.image, std::move(id), pulled->source);
    co_return std::move(pulled);
  }
  // An answer that did not come says nothing about what the runtime has.
  const Reason why = pulled.error().reason;
  const bool unheard = ctx.done() || why == Reason::Timeout || why == Reason::Cancelled || why == Reason::ServiceUnavailable;
  co_await deps_.access->pull_failed(request.image, unheard && !was_there);
  co_return std::move(pulled);
}

// Each credential that fits is tried in turn; none fits: without.
rt::Task<Result<ImagePuller::Fetched>> ImagePuller::pull_with_credentials(rt::Context ctx, const ImageRequest& request, std::string image,
                                                                          std::optional<Credentials> known) {
  if (!known) {
    CO_TRY_ASSIGN(known, co_await credentials(ctx, request.pod, image));
  }
  if (limiter_ && !limiter_->try_take()) co_return error(Reason::TooManyRequests, "pull QPS exceeded");
  PullImageRequest pull;
  pull.image = spec(request, image);
  pull.sandbox_config = request.sandbox;
  if (known->empty()) {
    CO_TRY_ASSIGN(std::string ref, co_await deps_.cri.pull_image(ctx, std::move(pull)));
    co_return Fetched{std::move(ref), {}, std::nullopt};
  }
  std::optional<Status> last;
  for (const RegistryCredential& credential : *known) {
    pull.auth = credential.auth;
    auto pulled = co_await deps_.cri.pull_image(ctx, pull);
    if (pulled) co_return Fetched{std::move(*pulled), credential.source, std::nullopt};
    last = pulled.error();
  }
  co_return Unexpected(std::move(*last));
}

// Secrets that cannot be read show nothing, and end a pull with their error.
rt::Task<PodCredentials> ImagePuller::show(rt::Context ctx, PodPtr pod, std::string image, std::optional<Credentials>* known) {
  PodCredentials out;
  auto mine = co_await credentials(std::move(ctx), std::move(pod), std::move(image));
  if (!mine) co_return out;
  for (const RegistryCredential& one : *mine) {
    if (one.source.secret) out.secrets.push_back(*one.source.secret);
    if (one.source.service_account) out.service_account = one.source.service_account;
  }
  *known = std::move(*mine);
  co_return out;
}

// The pod's secrets come first, then the node's own file, then what programs say.
rt::Task<Result<ImagePuller::Credentials>> ImagePuller::credentials(rt::Context ctx, PodPtr pod, std::string image) {
  CO_TRY_ASSIGN(const Credentials of_secrets, co_await credentials_of_secrets(ctx, pod));
  Credentials out = matching_credentials(of_secrets, image);
  if (deps_.node_credentials != nullptr) {
    const Credentials node = co_await deps_.node_credentials->all();
    std::ranges::move(matching_credentials(node, image), std::back_inserter(out));
  }
  if (deps_.providers != nullptr) {
    const auto name = parse_image_name(image);
    if (!name) co_return out;
    const Credentials said = co_await deps_.providers->credentials(std::move(ctx), std::move(pod), name->registry + "/" + name->repository);
    std::ranges::move(matching_credentials(said, image), std::back_inserter(out));
  }
  co_return out;
}

rt::Task<Result<ImagePuller::Credentials>> ImagePuller::credentials_of_secrets(rt::Context ctx, PodPtr pod) {
  std::vector<RegistryCredential> all;
  for (const auto& reference : pod->spec.image_pull_secrets) {
    if (!deps_.objects) break;
    const auto secret = co_await deps_.objects->secret(ctx, pod->metadata.namespace_, reference.name);
    if (!secret) {
      // Upstream goes on without it, and says so.
      deps_.events.warning(
          *pod, "", "FailedToRetrieveImagePullSecret",
          fmt::format("Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.", reference.name));
      continue;
    }
    CO_TRY_ASSIGN(auto some, credentials_of(**secret));
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  co_return all;
}

void ImagePuller::failed(const Key& key, std::string error) {
  Backoff& backoff = backoffs_[key];
  backoff.wait.next(deps_.runtime.clock().now(), {image_backoff_initial, image_backoff_max});
  backoff.error = std::move(error);
}

std::optional<rt::TimePoint> ImagePuller::retry_at(const std::string& pod_uid, const std::string& image) const {
  const auto found = backoffs_.find(Key{pod_uid, image});
  if (found == backoffs_.end()) return std::nullopt;
  const auto until = found->second.wait.until();
  return deps_.runtime.clock().now() < until ? std::optional(until) : std::nullopt;
}

void ImagePuller::forget(const std::string& pod_uid) {
  std::erase_if(backoffs_, [&](const auto& entry) { return entry.first.first == pod_uid; });
  if (deps_.providers != nullptr) deps_.providers->forget(pod_uid);
}

}  // namespace pintle::kubelet::images
