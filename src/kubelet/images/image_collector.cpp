#include "kubelet/images/image_collector.h"

#include <algorithm>
#include <limits>

#include "component/log.h"
#include "kubelet/images/image_name.h"
#include "kubelet/types/pressure.h"

namespace pintle::kubelet::images {

namespace {

namespace log = component::log;
namespace cri_v1 = api::cri_v1;

std::string joined(const std::vector<std::string>& errors) {
  std::string out = errors.size() == 1 ? "" : "[";
  for (std::size_t i = 0; i < errors.size(); ++i) out += (i == 0 ? "" : ", ") + errors[i];
  return errors.size() == 1 ? out : out + "]";
}

}  // namespace

ImageCollector::ImageCollector(ImageCollectorDeps deps, ImagePolicy policy)
    : deps_(std::move(deps)), policy_(policy), began_(deps_.runtime.clock().now()) {}

bool ImageCollector::is_due(const std::optional<SignalValue>& disk) const {
  if (!next_) return true;
  const bool full = policy_.collects() && disk && bytes_to_free(*disk, policy_) > 0;
  if (full && !was_full_) return true;
  if (deps_.runtime.clock().now() < *next_) return false;
  return full || policy_.max_age > rt::Duration(0) || deps_.pod_changes() != seen_changes_;
}

rt::Task<void> ImageCollector::collect(rt::Context ctx, std::optional<SignalValue> disk) {
  auto done = co_await collect_now(ctx, disk);
  const rt::TimePoint now = deps_.runtime.clock().now();
  next_ = now + image_look_every;
  if (ctx.done()) co_return;
  // What was too young to go is looked at again when it is of age.
  was_full_ = policy_.collects() && disk && bytes_to_free(*disk, policy_) > 0;
  if (const auto of_age = was_full_ ? records_.next_of_age(policy_, now) : std::nullopt) next_ = std::min(*next_, *of_age);
  if (done) {
    failed_before_ = false;
    co_return;
  }
  if (std::exchange(failed_before_, true)) {
    log::error("Unused images are not removed, again", done.error());
    deps_.warn("ImageGCFailed", done.error().message);
  } else {
    log::error("Unused images are not removed", done.error());
  }
}

rt::Task<Result<Unit>> ImageCollector::collect_now(rt::Context ctx, std::optional<SignalValue> disk) {
  CO_TRY_ASSIGN(const auto lock, co_await working_.lock(ctx));
  CO_TRY_ASSIGN(auto unused, co_await look(ctx));
  if (!policy_.collects()) co_return Unit{};
  CO_TRY(co_await remove_aged(ctx, unused));
  if (!disk) co_return Unit{};
  if (disk->capacity == 0) {
    const std::string message = "invalid capacity 0 on image filesystem";
    deps_.warn("InvalidDiskCapacity", message);
    co_return internal(message);
  }
  const uint64_t wanted = bytes_to_free(*disk, policy_);
  if (wanted == 0) co_return Unit{};
  log::info(0, "The images' disk is over the high threshold, unused images go",
            {{"used", std::to_string(used_percent(*disk)) + "%"}, {"wantedBytes", std::to_string(wanted)}});
  CO_TRY_ASSIGN(const uint64_t freed, co_await free_space(ctx, std::move(unused), wanted));
  if (freed >= wanted) co_return Unit{};
  std::string message = too_little_freed(*disk, freed);
  deps_.warn("FreeDiskSpaceFailed", message);
  co_return internal(std::move(message));
}

rt::Task<Result<uint64_t>> ImageCollector::remove_unused(rt::Context ctx) {
  CO_TRY_ASSIGN(const auto lock, co_await working_.lock(ctx));
  CO_TRY_ASSIGN(auto unused, co_await look(ctx));
  co_return co_await free_space(ctx, std::move(unused), std::numeric_limits<uint64_t>::max());
}

// Every container counts, those that have ended too: they may be started again.
rt::Task<Result<std::set<std::string>>> ImageCollector::used_images(rt::Context ctx) {
  std::set<std::string> out;
  CO_TRY_ASSIGN(const auto containers, co_await deps_.cri.list_containers(ctx, cri_v1::ContainerFilter()));
  for (const auto& container : containers) {
    out.insert(container.image_ref);
    out.insert(container.image_id);
    if (container.image) out.insert(container.image->image);
  }
  CO_TRY_ASSIGN(const auto status, co_await deps_.cri.status(ctx, true));
  out.insert(listed_image_name(sandbox_image(status.info)));
  for (const std::string& name : deps_.volume_images()) out.insert(listed_image_name(name));
  out.erase("");
  co_return std::move(out);
}

rt::Task<Result<std::vector<ImageRecord>>> ImageCollector::look(rt::Context ctx) {
  const uint64_t changes = deps_.pod_changes();
  const rt::WallTime began = deps_.runtime.clock().wall_now();
  CO_TRY_ASSIGN(auto images, co_await deps_.cri.list_images(ctx));
  pin(images, policy_.pinned);
  CO_TRY_ASSIGN(const auto used, co_await used_images(ctx));
  records_.look(images, used, deps_.runtime.clock().now());
  if (deps_.access) {
    std::vector<std::string> ids;
    for (const auto& image : images) ids.push_back(image.id);
    co_await deps_.access->keep_only(std::move(ids), began);
  }
  seen_changes_ = changes;
  co_return records_.unused();
}

rt::Task<Result<Unit>> ImageCollector::remove(rt::Context ctx, ImageRecord image, std::string why) {
  log::info(0, "Removing an image that nobody uses", {{"imageID", image.id}, {"bytes", std::to_string(image.size_bytes)}, {"reason", why}});
  cri_v1::ImageSpec spec;
  spec.image = image.id;
  spec.runtime_handler = image.runtime_handler;
  CO_TRY(co_await deps_.cri.remove_image(std::move(ctx), std::move(spec)));
  records_.removed(image.id);
  if (deps_.access) co_await deps_.access->removed(image.id);
  ++removed_[why];
  if (deps_.changed) deps_.changed();
  co_return Unit{};
}

// Takes what it removes off the list.
rt::Task<Result<Unit>> ImageCollector::remove_aged(rt::Context ctx, std::vector<ImageRecord>& unused) {
  std::vector<std::string> errors;
  for (const ImageRecord& image : aged_images(unused, policy_, began_, deps_.runtime.clock().now())) {
    const auto removed = co_await remove(ctx, image, "age");
    if (removed)
      std::erase_if(unused, [&](const ImageRecord& one) { return one.id == image.id; });
    else
      errors.push_back(removed.error().message);
  }
  if (errors.empty()) co_return Unit{};
  const std::string age = api::format_duration(api::Duration{policy_.max_age.count()});
  co_return internal("wanted to free images older than " + age + ", encountered errors in image deletion: " + joined(errors));
}

rt::Task<Result<uint64_t>> ImageCollector::free_space(rt::Context ctx, std::vector<ImageRecord> unused, uint64_t wanted_bytes) {
  std::vector<std::string> errors;
  uint64_t freed = 0;
  const rt::TimePoint now = deps_.runtime.clock().now();
  for (const ImageRecord& image : unused) {
    if (freed >= wanted_bytes || ctx.done()) break;
    if (!is_old_enough(image, policy_, now)) continue;
    const auto removed = co_await remove(ctx, image, "space");
    if (removed)
      freed += image.size_bytes;
    else
      errors.push_back(removed.error().message);
  }
  if (errors.empty()) co_return freed;
  co_return internal("wanted to free " + std::to_string(wanted_bytes) + " bytes, but freed " + std::to_string(freed) +
                     " bytes space with errors in image deletion: " + joined(errors));
}

}  // namespace pintle::kubelet::images
