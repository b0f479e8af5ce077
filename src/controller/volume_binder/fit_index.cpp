#include "controller/volume_binder/fit_index.h"

#include <bit>

#include "controller/volume_binder/plan.h"

namespace pintle::controller::volume_binder {

namespace {

constexpr std::string_view access_modes[] = {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"};
constexpr char between = '\0';  // in no name

uint8_t modes_of(const std::vector<std::string>& names) {
  uint8_t out = 0;
  for (const std::string& name : names) {
    std::size_t i = 0;
    while (i < std::size(access_modes) && access_modes[i] != name) ++i;
    out = static_cast<uint8_t>(out | 1U << i);  // one bit for all that are unknown: satisfies() has the last word
  }
  return out;
}

std::string kind_of(const std::string& class_name, const std::optional<std::string>& volume_mode, const std::optional<std::string>& attributes) {
  return class_name + between + volume_mode.value_or("Filesystem") + between + attributes.value_or("");
}

api::Quantity storage_of(const FlatMap<api::Quantity>& list) {
  const api::Quantity* size = list.get("storage");
  return size ? *size : api::Quantity();
}

}  // namespace

Fit fit_of(const PersistentVolume& volume) {
  return {kind_of(class_of(volume), volume.spec.volume_mode, volume.spec.volume_attributes_class_name), modes_of(volume.spec.access_modes),
          storage_of(volume.spec.capacity)};
}

Fit fit_of(const PersistentVolumeClaim& claim) {
  return {kind_of(class_of(claim), claim.spec.volume_mode, claim.spec.volume_attributes_class_name), modes_of(claim.spec.access_modes),
          storage_of(claim.spec.resources.requests)};
}

FitIndex::Shelf FitIndex::shelf_of(const Fit& fit) { return {fit.kind, std::popcount(fit.modes), fit.modes}; }

void FitIndex::put(const std::string& name, Fit fit) {
  if (const auto it = fits_.find(name); it != fits_.end()) {
    if (it->second.kind == fit.kind && it->second.modes == fit.modes && it->second.size.compare(fit.size) == 0) return;
    erase(name);
  }
  shelves_[shelf_of(fit)].insert({fit.size, name});
  fits_.emplace(name, std::move(fit));
}

void FitIndex::erase(const std::string& name) {
  const auto it = fits_.find(name);
  if (it == fits_.end()) return;
  const auto shelf = shelves_.find(shelf_of(it->second));
  shelf->second.erase({it->second.size, name});
  if (shelf->second.empty()) shelves_.erase(shelf);
  fits_.erase(it);
}

bool FitIndex::for_claim(const Fit& claim, const Take& take) const {
  for (auto shelf = shelves_.lower_bound(shelf_of(claim)); shelf != shelves_.end() && std::get<0>(shelf->first) == claim.kind; ++shelf) {
    if ((std::get<2>(shelf->first) & claim.modes) != claim.modes) continue;
    for (auto it = shelf->second.lower_bound({claim.size, ""}); it != shelf->second.end(); ++it)
      if (take(it->name)) return true;
  }
  return false;
}

bool FitIndex::for_volume(const Fit& volume, const Take& take) const {
  for (auto shelf = shelves_.lower_bound({volume.kind, 0, 0}); shelf != shelves_.end() && std::get<0>(shelf->first) == volume.kind; ++shelf) {
    if ((std::get<2>(shelf->first) & volume.modes) != std::get<2>(shelf->first)) continue;
    // Names are not empty: what comes before {size, ""} is smaller, and those of this very size come after it.
    auto end = shelf->second.lower_bound({volume.size, ""});
    while (end != shelf->second.end() && end->size.compare(volume.size) == 0) ++end;
    for (auto it = std::make_reverse_iterator(end); it != shelf->second.rend(); ++it)
      if (take(it->name)) return true;
  }
  return false;
}

}  // namespace pintle::controller::volume_binder
