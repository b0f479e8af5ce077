#include "apiserver/metrics_server/kubelet_page.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/parse_number.h"

namespace pintle::apiserver::metrics_server {

namespace {

enum class Metric : uint8_t { None, NodeCpu, NodeMemory, NodeSwap, Cpu, Memory, Swap, Start };

Metric metric_named(std::string_view name) {
  if (name == "container_cpu_usage_seconds_total") return Metric::Cpu;
  if (name == "container_memory_working_set_bytes") return Metric::Memory;
  if (name == "container_start_time_seconds") return Metric::Start;
  if (name == "container_swap_usage_bytes") return Metric::Swap;
  if (name == "node_cpu_usage_seconds_total") return Metric::NodeCpu;
  if (name == "node_memory_working_set_bytes") return Metric::NodeMemory;
  if (name == "node_swap_usage_bytes") return Metric::NodeSwap;
  return Metric::None;
}

constexpr double nanos_per_second = 1e9, millis_per_second = 1e3;
constexpr double cpu_seconds_max = 1e10;          // three centuries: its nanoseconds fit
constexpr double bytes_max = 9e18;                // as does this number of bytes
constexpr int64_t time_ms_max = 253402300799000;  // the end of year 9999, which a text can still say
constexpr std::size_t label_bytes_max = 63, name_bytes_max = 253;

bool blank(char c) { return c == ' ' || c == '\t'; }

void skip_blanks(std::string_view& text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
}

std::string_view word(std::string_view& text, std::string_view ends) {
  const std::string_view out = text.substr(0, text.find_first_of(ends));
  text.remove_prefix(out.size());
  return out;
}

// Up to the quote that ends it, escapes kept; nullopt: there is none.
std::optional<std::string_view> quoted(std::string_view& text) {
  if (text.empty() || text.front() != '"') return std::nullopt;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      const std::string_view out = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      return out;
    }
  }
  return std::nullopt;
}

struct Labels {
  std::string_view ns, pod, container;
};

// After the opening brace, up to and with the closing one.
std::optional<Labels> parse_labels(std::string_view& text) {
  Labels out;
  while (true) {
    skip_blanks(text);
    if (text.empty()) return std::nullopt;
    if (text.front() == '}') {
      text.remove_prefix(1);
      return out;
    }
    const std::string_view name = word(text, " \t=,}\"");
    skip_blanks(text);
    if (name.empty() || text.empty() || text.front() != '=') return std::nullopt;
    text.remove_prefix(1);
    skip_blanks(text);
    const auto value = quoted(text);
    if (!value) return std::nullopt;
    if (name == "namespace") out.ns = *value;
    if (name == "pod") out.pod = *value;
    if (name == "container") out.container = *value;
    skip_blanks(text);
    if (!text.empty() && text.front() == ',') {
      text.remove_prefix(1);
    } else if (text.empty() || text.front() != '}') {
      return std::nullopt;
    }
  }
}

// What an object's name can be made of; anything else names none.
bool is_name(std::string_view text, std::size_t bytes_max, bool dots) {
  const auto allowed = [dots](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (dots && c == '.'); };
  return !text.empty() && text.size() <= bytes_max && std::ranges::all_of(text, allowed);
}

std::optional<double> parse_value(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (failure == std::errc::result_out_of_range) return std::nan("");
  if (failure != std::errc()) return std::nullopt;
  return value;
}

bool between(double value, double most) { return std::isfinite(value) && value >= 0 && value <= most; }

// A sample that cannot be leaves the point as it is: as if it had not been told.
void set(Point& point, Metric metric, double value, int64_t time_ms) {
  switch (metric) {
    case Metric::NodeCpu:
    case Metric::Cpu:
      if (!between(value, cpu_seconds_max) || time_ms <= 0 || time_ms > time_ms_max) return;
      point.cpu_ns = static_cast<uint64_t>(value * nanos_per_second);
      point.time_ms = time_ms;
      return;
    case Metric::NodeMemory:
    case Metric::Memory:
      if (between(value, bytes_max)) point.memory_bytes = static_cast<uint64_t>(value);
      return;
    case Metric::NodeSwap:
    case Metric::Swap:
      if (between(value, bytes_max)) point.swap_bytes = static_cast<uint64_t>(value);
      return;
    case Metric::Start:
      if (between(value, static_cast<double>(time_ms_max) / millis_per_second)) point.start_ms = static_cast<int64_t>(value * millis_per_second);
      return;
    case Metric::None: return;
  }
}

bool whole(const Point& point) { return point.time_ms != 0 && point.cpu_ns != 0 && point.memory_bytes != 0; }

Unexpected<Status> too_large(std::string_view what, std::size_t most) {
  return error(Reason::RequestEntityTooLarge, fmt::format("the page has more than {} {}", most, what));
}

ContainerPoint split_key(std::string_view key, const Point& point) {
  const auto first = key.find('/'), second = key.find('/', first + 1);
  return {std::string(key.substr(0, first)), std::string(key.substr(first + 1, second - first - 1)), std::string(key.substr(second + 1)), point};
}

}  // namespace

Result<Unit> KubeletPageReader::feed(std::string_view piece) {
  bytes_ += piece.size();
  if (bytes_ > page_bytes_max) return too_large("bytes", page_bytes_max);
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    if (end == piece.npos) return take_rest(piece);
    std::string_view line = piece.substr(0, end);
    piece.remove_prefix(end + 1);
    if (skipping_comment_) {
      skipping_comment_ = false;
      ++lines_;
    } else if (held_.empty()) {
      TRY(take_line(line));
    } else {
      held_ += line;
      const std::string joined = std::exchange(held_, {});
      TRY(take_line(joined));
    }
  }
  return Unit{};
}

// The beginning of a line, or more of it.
Result<Unit> KubeletPageReader::take_rest(std::string_view rest) {
  if (skipping_comment_) return Unit{};
  if (held_.size() + rest.size() <= line_bytes_max) {
    held_ += rest;
    return Unit{};
  }
  if ((held_.empty() ? rest : std::string_view(held_)).front() != '#') return too_large("bytes in a line", line_bytes_max);
  held_.clear();
  skipping_comment_ = true;
  return Unit{};
}

Result<Point*> KubeletPageReader::container_point(std::string key) {
  if (const auto known = containers_.find(key); known != containers_.end()) return &known->second;
  if (containers_.size() == page_containers_max) return too_large("containers", page_containers_max);
  return &containers_[std::move(key)];
}

Result<Unit> KubeletPageReader::take_line(std::string_view line) {
  ++lines_;
  skip_blanks(line);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty() || line.front() == '#') return Unit{};
  if (line.size() > line_bytes_max) return too_large("bytes in a line", line_bytes_max);
  const Metric metric = metric_named(word(line, " \t{"));
  if (metric == Metric::None) return Unit{};
  const auto odd = [this] { return bad_request(fmt::format("line {} of the page is no sample", lines_)); };
  skip_blanks(line);
  Labels labels;
  if (line.starts_with('{')) {
    line.remove_prefix(1);
    const auto parsed = parse_labels(line);
    if (!parsed) return odd();
    labels = *parsed;
  }
  skip_blanks(line);
  const auto value = parse_value(word(line, " \t"));
  if (!value) return odd();
  skip_blanks(line);
  int64_t time_ms = now_ms_;
  if (!line.empty()) {
    const auto told = parse_number<int64_t>(word(line, " \t"));
    skip_blanks(line);
    if (!told || !line.empty()) return odd();
    time_ms = *told;
  }
  if (metric == Metric::NodeCpu || metric == Metric::NodeMemory || metric == Metric::NodeSwap) {
    set(node_, metric, *value, time_ms);
    return Unit{};
  }
  if (!is_name(labels.ns, label_bytes_max, false) || !is_name(labels.pod, name_bytes_max, true) || !is_name(labels.container, label_bytes_max, false))
    return Unit{};
  TRY_ASSIGN(Point* const point, container_point(fmt::format("{}/{}/{}", labels.ns, labels.pod, labels.container)));
  set(*point, metric, *value, time_ms);
  return Unit{};
}

Result<KubeletPage> KubeletPageReader::finish() {
  if (!held_.empty()) {
    const std::string last = std::exchange(held_, {});
    TRY(take_line(last));
  }
  KubeletPage out;
  if (whole(node_)) out.node = node_;
  out.containers.reserve(containers_.size());
  for (const auto& [key, point] : containers_) out.containers.push_back(split_key(key, point));
  containers_.clear();
  const auto key_of = [](const ContainerPoint& one) { return std::tie(one.ns, one.pod, one.container); };
  std::ranges::sort(out.containers, [&](const auto& a, const auto& b) { return key_of(a) < key_of(b); });
  // A pod of which a container is not told whole is not told at all.
  auto kept = out.containers.begin();
  for (auto from = out.containers.begin(); from != out.containers.end();) {
    const auto to = std::find_if(from, out.containers.end(), [&](const auto& one) { return one.pod != from->pod || one.ns != from->ns; });
    const bool good = std::all_of(from, to, [](const auto& one) { return whole(one.point); });
    if (good) kept = kept == from ? to : std::move(from, to, kept);
    from = to;
  }
  out.containers.erase(kept, out.containers.end());
  return out;
}

}  // namespace pintle::apiserver::metrics_server
