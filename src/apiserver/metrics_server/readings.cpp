#include "apiserver/metrics_server/readings.h"

namespace pintle::apiserver::metrics_server {

void Readings::set(const std::string& node, SamplesPtr samples, rt::TimePoint until) {
  ExclusiveThreadLock lock(mutex_);
  nodes_[node] = {std::move(samples), until};
}

void Readings::remove(const std::string& node) {
  ExclusiveThreadLock lock(mutex_);
  nodes_.erase(node);
}

Readings::SamplesPtr Readings::held(std::string_view node) const {
  SharedThreadLock lock(mutex_);
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : it->second.samples;
}

Readings::SamplesPtr Readings::present(std::string_view node) const {
  SharedThreadLock lock(mutex_);
  const auto it = nodes_.find(node);
  return it == nodes_.end() || it->second.until < clock_.now() ? nullptr : it->second.samples;
}

void Readings::note_asked() {
  const bool awake = asked_lately();
  asked_at_.store(clock_.now().time_since_epoch().count(), std::memory_order_relaxed);
  if (!awake) wanted_();
}

bool Readings::asked_lately() const {
  const rt::Duration::rep at = asked_at_.load(std::memory_order_relaxed);
  if (at == rt::Duration::min().count()) return false;
  return clock_.now().time_since_epoch() - rt::Duration(at) < asked_recently;
}

Readings::Totals Readings::totals() const {
  SharedThreadLock lock(mutex_);
  Totals out;
  for (const auto& [name, reading] : nodes_) {
    ++out.nodes;
    out.containers += reading.samples->containers();
    out.bytes += reading.samples->bytes() + sizeof(Reading) + name.capacity();
  }
  return out;
}

}  // namespace pintle::apiserver::metrics_server
