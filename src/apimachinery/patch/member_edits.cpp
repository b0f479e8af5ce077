#include "apimachinery/patch/member_edits.h"

#include <utility>

namespace pintle::apimachinery {
namespace {

constexpr std::size_t in_place_max = 8;  // so few are done sooner where they are

}  // namespace

codec::Value* MemberEdits::find(std::string_view key) {
  const auto member = object_.find(key);
  if (member != object_.end() && (gone_.empty() || !gone_[static_cast<std::size_t>(member - object_.begin())])) return &member->second;
  const auto added = added_.find(key);
  return added == added_.end() ? nullptr : &added->second;
}

codec::Value& MemberEdits::set(std::string_view key, codec::Value value) {
  codec::Value* const there = find(key);
  codec::Value& place = there != nullptr ? *there : added_[std::string(key)];
  place = std::move(value);
  return place;
}

void MemberEdits::erase(std::string_view key) {
  if (const auto added = added_.find(key); added != added_.end()) added_.erase(added);
  const auto member = object_.find(key);
  if (member == object_.end()) return;
  if (gone_.empty()) gone_.resize(object_.size());
  const auto at = static_cast<std::size_t>(member - object_.begin());
  gone_count_ += !gone_[at];
  gone_[at] = true;
}

void MemberEdits::finish() {
  if (gone_count_ + added_.size() <= in_place_max) {
    for (std::size_t i = gone_.size(); i-- > 0;)
      if (gone_[i]) object_.erase(object_.begin() + static_cast<std::ptrdiff_t>(i));
    for (auto& [key, value] : added_) object_[key] = std::move(value);
    return;
  }
  codec::Value::Object merged;
  merged.reserve(object_.size() - gone_count_ + added_.size());
  auto added = added_.begin();
  const auto add_below = [&](std::string_view key) {
    for (; added != added_.end() && added->first < key; ++added) merged.append(added->first) = std::move(added->second);
  };
  std::size_t i = 0;
  for (auto& [key, value] : object_) {
    add_below(key);
    if (gone_.empty() || !gone_[i++]) merged.append(key) = std::move(value);
  }
  for (; added != added_.end(); ++added) merged.append(added->first) = std::move(added->second);
  object_ = std::move(merged);
}

}  // namespace pintle::apimachinery
