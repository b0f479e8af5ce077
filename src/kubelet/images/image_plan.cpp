#include "kubelet/images/image_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "codec/json.h"

namespace pintle::kubelet::images {

namespace {

Result<Unit> check_percent(int percent, std::string_view field, std::string_view flag) {
  if (percent >= 0 && percent <= 100) return Unit{};
  return error(Reason::Invalid, fmt::format("invalid configuration: {} ({}) {} must be between 0 and 100, inclusive", field, flag, percent));
}

// "18.3 GiB".
std::string size_text(uint64_t bytes) {
  constexpr std::pair<const char*, double> units[] = {
      {"KiB", 1024.0}, {"MiB", 1024.0 * 1024}, {"GiB", 1024.0 * 1024 * 1024}, {"TiB", 1024.0 * 1024 * 1024 * 1024}};
  const auto size = static_cast<double>(bytes);
  if (size < units[0].second) return std::to_string(bytes) + " B";
  std::size_t unit = 0;
  while (unit + 1 < std::size(units) && size >= units[unit + 1].second) ++unit;
  return fmt::format("{:.1f} {}", size / units[unit].second, units[unit].first);
}

bool is_named(const api::cri_v1::Image& image, const std::set<std::string>& names) {
  const auto in = [&](const std::string& name) { return names.contains(name); };
  return in(image.id) || std::ranges::any_of(image.repo_tags, in) || std::ranges::any_of(image.repo_digests, in);
}

}  // namespace

Result<ImagePolicy> image_policy(const api::kubeletconfig_v1beta1::KubeletConfiguration& config) {
  ImagePolicy out;
  out.high_percent = config.image_gc_high_threshold_percent.value_or(out.high_percent);
  out.low_percent = config.image_gc_low_threshold_percent.value_or(out.low_percent);
  TRY(check_percent(out.high_percent, "imageGCHighThresholdPercent", "--image-gc-high-threshold"));
  TRY(check_percent(out.low_percent, "imageGCLowThresholdPercent", "--image-gc-low-threshold"));
  if (out.low_percent >= out.high_percent)
    return error(
        Reason::Invalid,
        fmt::format("invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) {} must be less than imageGCHighThresholdPercent "
                    "(--image-gc-high-threshold) {}",
                    out.low_percent, out.high_percent));
  if (config.image_minimum_gc_age.nanos > 0) out.min_age = rt::Duration(config.image_minimum_gc_age.nanos);
  out.max_age = rt::Duration(std::max<int64_t>(0, config.image_maximum_gc_age.nanos));
  return out;
}

void pin(std::vector<api::cri_v1::Image>& images, const std::set<std::string>& names) {
  if (names.empty()) return;
  for (auto& image : images) image.pinned = image.pinned || is_named(image, names);
}

void ImageRecords::look(const std::vector<api::cri_v1::Image>& images, const std::set<std::string>& used, rt::TimePoint now) {
  std::map<std::string, ImageRecord> seen;
  for (const auto& image : images) {
    const auto before = records_.find(image.id);
    ImageRecord record = before == records_.end() ? ImageRecord() : before->second;
    if (before == records_.end()) record.first_seen = now;
    record.id = image.id;
    if (image.spec) record.runtime_handler = image.spec->runtime_handler;
    record.size_bytes = image.size;
    record.pinned = image.pinned;
    record.used = is_named(image, used);
    if (record.used) record.last_used = now;
    seen.emplace(image.id, std::move(record));
  }
  records_ = std::move(seen);
}

std::vector<ImageRecord> ImageRecords::unused() const {
  std::vector<ImageRecord> out;
  for (const auto& [id, record] : records_)
    if (!record.used && !record.pinned) out.push_back(record);
  std::ranges::stable_sort(out, {}, [](const ImageRecord& one) { return std::pair(one.last_used, one.first_seen); });
  return out;
}

std::optional<rt::TimePoint> ImageRecords::next_of_age(const ImagePolicy& policy, rt::TimePoint now) const {
  std::optional<rt::TimePoint> out;
  for (const ImageRecord& image : unused()) {
    const rt::TimePoint of_age = image.first_seen + policy.min_age;
    if (of_age > now && (!out || of_age < *out)) out = of_age;
  }
  return out;
}

bool is_old_enough(const ImageRecord& image, const ImagePolicy& policy, rt::TimePoint now) { return now - image.first_seen >= policy.min_age; }

std::vector<ImageRecord> aged_images(const std::vector<ImageRecord>& unused, const ImagePolicy& policy, rt::TimePoint began, rt::TimePoint now) {
  std::vector<ImageRecord> out;
  if (policy.max_age == rt::Duration(0) || now - began <= policy.max_age) return out;
  for (const ImageRecord& image : unused)
    if (!image.last_used || now - *image.last_used > policy.max_age) out.push_back(image);
  return out;
}

int used_percent(const SignalValue& disk) {
  if (disk.capacity <= 0) return 0;
  return 100 - static_cast<int>(std::min(disk.available, disk.capacity) * 100 / disk.capacity);
}

uint64_t bytes_to_free(const SignalValue& disk, const ImagePolicy& policy) {
  if (disk.capacity <= 0 || used_percent(disk) < policy.high_percent) return 0;
  const int64_t wanted = disk.capacity * (100 - policy.low_percent) / 100 - std::min(disk.available, disk.capacity);
  return static_cast<uint64_t>(std::max<int64_t>(0, wanted));
}

std::string too_little_freed(const SignalValue& disk, uint64_t freed_bytes) {
  return fmt::format(
      "Insufficient free disk space on the node's image filesystem ({}% of {} used). Failed to free sufficient space by deleting unused images "
      "(freed {} bytes). "
      "Investigate disk usage, as it could be used by active images, logs, volumes, or other data.",
      used_percent(disk), size_text(static_cast<uint64_t>(disk.capacity)), freed_bytes);
}

std::string sandbox_image(const FlatMap<std::string>& runtime_info) {
  const std::string* config = runtime_info.get("config");
  const auto value = config ? codec::parse_json(*config) : error(Reason::NotFound, "");
  return value && value->is_object() ? std::string(value->string_at("sandboxImage")) : std::string();
}

}  // namespace pintle::kubelet::images
