#include "kubelet/images/image_access.h"

#include <algorithm>
#include <set>

#include "apimachinery/clock_time.h"
#include "component/log.h"
#include "kubelet/images/image_name.h"

namespace pintle::kubelet::images {

namespace {

namespace log = component::log;
using apimachinery::to_api_time;

// Without tag and digest: "docker.io/library/busybox".
Result<std::string> record_name(const std::string& image) {
  TRY_ASSIGN(const ImageName name, parse_image_name(image));
  return name.registry + "/" + name.repository;
}

}  // namespace

rt::Task<Result<Unit>> ImageAccess::begin_pull(rt::Context ctx, std::string image) {
  if (off()) co_return Unit{};
  CO_TRY_ASSIGN(const auto lock, co_await working_.lock(ctx));
  const bool first = !under_way_.contains(image);
  bool left_over = false;
  Result<Unit> begun = Unit{};
  co_await runtime_.run_blocking([&] {
    if (first) left_over = records_.is_begun(image).value_or(true);
    begun = records_.begin(image);
  });
  if (!begun) co_return begun;
  Pulls& pulls = under_way_[image];
  ++pulls.count;
  pulls.keep |= left_over;
  co_return Unit{};
}

rt::Task<void> ImageAccess::end_pull(std::string image, Outcome outcome) {
  Pulls& pulls = under_way_[image];
  pulls.keep = outcome != Outcome::Pulled && (pulls.keep || outcome == Outcome::Unknown);
  if (--pulls.count > 0) co_return;
  const bool keep = pulls.keep;
  under_way_.erase(image);
  if (keep) co_return;
  Result<Unit> ended = Unit{};
  co_await runtime_.run_blocking([&] { ended = records_.end(image); });
  if (!ended) log::error("Could not remove the record of a pull", ended.error(), {{"image", image}});
}

rt::Task<void> ImageAccess::pull_failed(std::string image, bool uncertain) {
  if (off()) co_return;
  const auto lock = co_await working_.lock(rt::Context::background());
  const Outcome outcome = uncertain ? Outcome::Unknown : Outcome::Failed;
  co_await end_pull(std::move(image), outcome);
}

rt::Task<void> ImageAccess::pulled(std::string image, std::string image_ref, CredentialSource source) {
  if (off()) co_return;
  const auto lock = co_await working_.lock(rt::Context::background());
  ImagePullCredentials credentials;
  if (source.secret) credentials.kubernetes_secrets.push_back(std::move(*source.secret));
  if (source.service_account) credentials.kubernetes_service_accounts.push_back(std::move(*source.service_account));
  credentials.node_pods_accessible = credentials.kubernetes_secrets.empty() && credentials.kubernetes_service_accounts.empty();
  Result<Unit> noted = Unit{};
  co_await runtime_.run_blocking([&] { noted = note(image, image_ref, credentials); });
  if (!noted) log::error("Could not record with which credentials an image was pulled", noted.error(), {{"image", image}});
  const Outcome outcome = noted ? Outcome::Pulled : Outcome::Unknown;
  co_await end_pull(std::move(image), outcome);
}

// Blocks.
Result<Unit> ImageAccess::note(const std::string& image, const std::string& image_ref, const ImagePullCredentials& credentials) {
  TRY_ASSIGN(const std::string name, record_name(image));
  auto known = records_.read(image_ref);
  const bool is_new = !known || !*known;  // one that cannot be read is written anew
  ImagePulledRecord record = is_new ? ImagePulledRecord() : std::move(**known);
  record.image_ref = image_ref;
  if (!add_credentials(record, name, credentials) && !is_new) return Unit{};
  record.last_updated_time = to_api_time(runtime_.clock().wall_now());
  return records_.write(record);
}

// What an earlier process began to pull and the runtime has now: whose it is is not known, but that it was pulled is.
rt::Task<bool> ImageAccess::adopt(rt::Context ctx) {
  if (adopted_) co_return true;
  Result<std::vector<std::string>> begun;
  co_await runtime_.run_blocking([&] { begun = records_.begun(); });
  if (!begun) co_return false;
  std::erase_if(*begun, [&](const std::string& image) { return under_way_.contains(image); });
  if (!begun->empty()) {
    const auto images = co_await cri_.list_images(ctx);
    if (!images) co_return false;
    co_await runtime_.run_blocking([&] {
      for (const std::string& image : *begun) {
        const std::string listed = listed_image_name(image);
        for (const auto& one : *images) {
          if (std::ranges::find(one.repo_tags, listed) == one.repo_tags.end() &&
              std::ranges::find(one.repo_digests, listed) == one.repo_digests.end())
            continue;
          if (note(image, one.id, ImagePullCredentials())) (void)records_.end(image);
        }
      }
    });
  }
  adopted_ = true;
  co_return true;
}

// Blocks.
Result<std::optional<bool>> ImageAccess::judge(const std::string& image, const std::string& image_ref, const PodCredentials* mine) {
  TRY_ASSIGN(const auto record, records_.read(image_ref));
  bool pulled_here = record.has_value() || under_way_.contains(image);
  if (!pulled_here) {
    TRY_ASSIGN(pulled_here, records_.is_begun(image));
  }
  if (!policy_.must_verify(image, pulled_here)) return std::optional<bool>(false);
  if (!record) return std::optional<bool>(true);
  TRY_ASSIGN(const std::string name, record_name(image));
  if (mine == nullptr && depends_on_credentials(*record, name)) return std::optional<bool>();
  const Access access = access_of(*record, name, mine != nullptr ? *mine : PodCredentials());
  if (access.learned) {
    ImagePullCredentials more;
    more.kubernetes_secrets.push_back(*access.learned);
    if (auto noted = note(image, image_ref, more); !noted)
      log::error("Could not record that a secret gives access to an image", noted.error(), {{"image", image}});
  }
  return std::optional<bool>(!access.granted);
}

rt::Task<std::optional<bool>> ImageAccess::judge_recorded(rt::Context ctx, std::string image, std::string image_ref, const PodCredentials* mine) {
  const auto lock = co_await working_.lock(ctx);
  if (!lock) co_return true;
  const bool adopted = co_await adopt(ctx);
  if (!adopted) co_return true;
  Result<std::optional<bool>> verdict = std::optional<bool>(true);
  co_await runtime_.run_blocking([&] { verdict = judge(image, image_ref, mine); });
  if (!verdict) log::error("Could not read with which credentials an image was pulled", verdict.error(), {{"image", image}});
  co_return verdict.value_or(true);
}

// What the pod can show is asked for without the lock: a program may take a minute to say it.
rt::Task<bool> ImageAccess::must_pull(rt::Context ctx, std::string image, std::string image_ref, Showing mine) {
  if (off()) co_return false;
  const std::optional<bool> verdict = co_await judge_recorded(ctx, image, image_ref, nullptr);
  if (verdict) co_return *verdict;
  const PodCredentials shown = co_await mine();
  const std::optional<bool> final_verdict = co_await judge_recorded(ctx, std::move(image), std::move(image_ref), &shown);
  co_return final_verdict.value_or(true);
}

rt::Task<void> ImageAccess::removed(std::string image_ref) {
  if (off()) co_return;
  const auto lock = co_await working_.lock(rt::Context::background());
  co_await runtime_.run_blocking([&] { (void)records_.remove(image_ref); });
}

rt::Task<void> ImageAccess::keep_only(std::vector<std::string> image_refs, rt::WallTime before) {
  if (off()) co_return;
  const auto lock = co_await working_.lock(rt::Context::background());
  co_await runtime_.run_blocking([&] {
    const std::set<std::string> kept(image_refs.begin(), image_refs.end());
    const api::Time limit = to_api_time(before);
    const auto records = records_.all();
    if (!records) return;
    for (const ImagePulledRecord& record : *records)
      if (!kept.contains(record.image_ref) && record.last_updated_time.seconds < limit.seconds) (void)records_.remove(record.image_ref);
  });
}

}  // namespace pintle::kubelet::images
