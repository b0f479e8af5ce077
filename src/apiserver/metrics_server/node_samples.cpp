#include "apiserver/metrics_server/node_samples.h"

#include <algorithm>
#include <utility>

namespace pintle::apiserver::metrics_server {

namespace {

constexpr double millis_a_second = 1e3;
constexpr double nanocores_max = 9e18;  // fits a quantity

int64_t millis(rt::Duration duration) { return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(); }

}  // namespace

// From which moment on what is used is reckoned; none where that moment says nothing of this container: it was restarted, its time ran
// backwards, or its processor time did.
NodeSamples::Earlier NodeSamples::earlier(const NodeSamples* before, const ContainerPoint& container, rt::Duration resolution) {
  const Point& now = container.point;
  const int64_t age_ms = now.time_ms - now.start_ms;
  if (now.start_ms > 0 && age_ms >= millis(fresh_container_min) && age_ms < millis(resolution)) return {now.start_ms, 0};
  const auto known = before ? before->find(container) : std::nullopt;
  if (!known) return {};
  const Point last = before->last(*known);
  if (now.start_ms >= last.time_ms || now.start_ms < last.start_ms) return {};
  Earlier out{last.time_ms, last.cpu_ns};
  if (now.time_ms <= last.time_ms) out = {before->earlier_ms_[*known], before->earlier_cpu_ns_[*known]};
  return out.time_ms < now.time_ms && out.cpu_ns <= now.cpu_ns ? out : Earlier{};
}

NodeSamples::NodeSamples(const NodeSamples* before, const KubeletPage& page, rt::Duration resolution) : node_(page.node) {
  if (node_ && before && before->node_) {
    const Point& last = *before->node_;
    node_earlier_ = node_->time_ms > last.time_ms ? Earlier{last.time_ms, last.cpu_ns} : before->node_earlier_;
    if (node_earlier_.time_ms >= node_->time_ms || node_earlier_.cpu_ns > node_->cpu_ns) node_earlier_ = {};
  }
  const std::size_t count = page.containers.size();
  for (auto* column : {&time_ms_, &start_ms_, &earlier_ms_}) column->reserve(count);
  for (auto* column : {&cpu_ns_, &memory_bytes_, &swap_bytes_, &earlier_cpu_ns_}) column->reserve(count);
  name_bytes_.reserve(count);
  std::size_t text_bytes = 0, pods = 0;
  const auto begins_pod = [&](std::size_t i) {
    return i == 0 || page.containers[i].pod != page.containers[i - 1].pod || page.containers[i].ns != page.containers[i - 1].ns;
  };
  for (std::size_t i = 0; i < count; ++i) {
    const ContainerPoint& one = page.containers[i];
    text_bytes += one.container.size() + (begins_pod(i) ? one.ns.size() + one.pod.size() : 0);
    pods += begins_pod(i) ? 1 : 0;
  }
  text_.reserve(text_bytes);
  pods_.reserve(pods);
  for (std::size_t i = 0; i < count; ++i) {
    const ContainerPoint& one = page.containers[i];
    if (begins_pod(i)) {
      pods_.push_back(
          {static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(i), static_cast<uint8_t>(one.ns.size()), static_cast<uint8_t>(one.pod.size())});
      (text_ += one.ns) += one.pod;
    }
    text_ += one.container;
    name_bytes_.push_back(static_cast<uint8_t>(one.container.size()));
    time_ms_.push_back(one.point.time_ms);
    start_ms_.push_back(one.point.start_ms);
    cpu_ns_.push_back(one.point.cpu_ns);
    memory_bytes_.push_back(one.point.memory_bytes);
    swap_bytes_.push_back(one.point.swap_bytes);
    const Earlier from = earlier(before, one, resolution);
    earlier_ms_.push_back(from.time_ms);
    earlier_cpu_ns_.push_back(from.cpu_ns);
  }
}

std::optional<Usage> NodeSamples::usage(const Point& last, const Earlier& earlier) {
  if (earlier.time_ms == 0) return std::nullopt;
  Usage out;
  out.time_ms = last.time_ms;
  out.window_ms = last.time_ms - earlier.time_ms;
  const double used = static_cast<double>(last.cpu_ns - earlier.cpu_ns) * millis_a_second / static_cast<double>(out.window_ms);
  out.cpu_nanocores = static_cast<uint64_t>(std::min(used, nanocores_max));
  out.memory_bytes = last.memory_bytes;
  out.swap_bytes = last.swap_bytes;
  return out;
}

std::optional<Usage> NodeSamples::node() const { return node_ ? usage(*node_, node_earlier_) : std::nullopt; }

const NodeSamples::Pod* NodeSamples::find_pod(std::string_view ns, std::string_view name) const {
  const auto key = std::pair(ns, name);
  const auto it = std::ranges::lower_bound(pods_, key, {}, [this](const Pod& pod) { return std::pair(ns_of(pod), name_of(pod)); });
  return it != pods_.end() && ns_of(*it) == ns && name_of(*it) == name ? &*it : nullptr;
}

std::size_t NodeSamples::end_of(const Pod& pod) const { return &pod == &pods_.back() ? time_ms_.size() : (&pod + 1)->first; }

std::optional<std::size_t> NodeSamples::find(const ContainerPoint& container) const {
  const Pod* pod = find_pod(container.ns, container.pod);
  if (pod == nullptr) return std::nullopt;
  std::size_t at = pod->text_at + pod->ns_bytes + pod->name_bytes;
  for (std::size_t i = pod->first; i < end_of(*pod); at += name_bytes_[i++])
    if (std::string_view(text_).substr(at, name_bytes_[i]) == container.container) return i;
  return std::nullopt;
}

std::vector<NodeSamples::Container> NodeSamples::pod(std::string_view ns, std::string_view name) const {
  std::vector<Container> out;
  const Pod* pod = find_pod(ns, name);
  if (pod == nullptr) return out;
  std::size_t at = pod->text_at + pod->ns_bytes + pod->name_bytes;
  for (std::size_t i = pod->first; i < end_of(*pod); at += name_bytes_[i++]) {
    const auto used = usage(last(i), {earlier_ms_[i], earlier_cpu_ns_[i]});
    if (!used) return {};
    out.push_back({std::string_view(text_).substr(at, name_bytes_[i]), *used});
  }
  return out;
}

std::size_t NodeSamples::bytes() const {
  std::size_t out = sizeof(*this) + text_.capacity() + pods_.capacity() * sizeof(Pod) + name_bytes_.capacity();
  for (const auto* column : {&time_ms_, &start_ms_, &earlier_ms_}) out += column->capacity() * sizeof(int64_t);
  for (const auto* column : {&cpu_ns_, &memory_bytes_, &swap_bytes_, &earlier_cpu_ns_}) out += column->capacity() * sizeof(uint64_t);
  return out;
}

}  // namespace pintle::apiserver::metrics_server
