#include "component/metrics.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <type_traits>

#include "base/check.h"
#include "component/memory.h"
#include "component/version.h"
#include "rt/held.h"

namespace pintle::component::metrics {
namespace {

void append_label_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

// `extra` is one more label already written ("le=\"1\""), or empty.
void append_labels(std::string& out, std::span<const std::string_view> labels, std::span<const std::string> values, std::string_view extra = {}) {
  if (labels.empty() && extra.empty()) return;
  out += '{';
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out += ',';
    out += labels[i];
    out += "=\"";
    append_label_value(out, values[i]);
    out += '"';
  }
  if (!extra.empty()) {
    if (!labels.empty()) out += ',';
    out += extra;
  }
  out += '}';
}

void write_series(std::string& out, const Description& d, std::span<const std::string> values, const Counter& counter) {
  out += d.name;
  append_labels(out, d.labels, values);
  fmt::format_to(std::back_inserter(out), " {}\n", counter.value());
}

void write_series(std::string& out, const Description& d, std::span<const std::string> values, const Gauge& gauge) {
  write_sample(out, d.name, d.labels, values, gauge.value());
}

void write_series(std::string& out, const Description& d, std::span<const std::string> values, const Histogram& histogram) {
  uint64_t total = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    total += histogram.bucket(i);
    const std::string le = i < histogram.bounds().size() ? fmt::format("le=\"{}\"", histogram.bounds()[i]) : "le=\"+Inf\"";
    out += d.name;
    out += "_bucket";
    append_labels(out, d.labels, values, le);
    fmt::format_to(std::back_inserter(out), " {}\n", total);
  }
  out += d.name;
  out += "_sum";
  append_labels(out, d.labels, values);
  fmt::format_to(std::back_inserter(out), " {}\n", histogram.sum());
  out += d.name;
  out += "_count";
  append_labels(out, d.labels, values);
  fmt::format_to(std::back_inserter(out), " {}\n", total);
}

template <class Series>
constexpr std::string_view type_name() {
  if constexpr (std::is_same_v<Series, Counter>) return "counter";
  if constexpr (std::is_same_v<Series, Gauge>) return "gauge";
  return "histogram";
}

}  // namespace

void Histogram::observe(double value) {
  const auto it = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  buckets_[static_cast<std::size_t>(it - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Registry::add(const Family* family) {
  ThreadLock lock(mutex_);
  families_.push_back(family);
}

void Registry::remove(const Family* family) {
  ThreadLock lock(mutex_);
  std::erase(families_, family);
}

void Registry::add_callback(std::function<void(std::string&)> callback) {
  ThreadLock lock(mutex_);
  callbacks_.push_back(std::move(callback));
}

std::string Registry::write() const {
  ThreadLock lock(mutex_);
  std::string out;
  for (const Family* family : families_) family->write(out);
  for (const auto& callback : callbacks_) callback(out);
  return out;
}

void write_head(std::string& out, std::string_view name, std::string_view help, std::string_view type) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void write_sample(std::string& out, std::string_view name, std::span<const std::string_view> labels, std::span<const std::string> values,
                  double value) {
  out += name;
  append_labels(out, labels, values);
  fmt::format_to(std::back_inserter(out), " {}\n", value);
}

template <class Series>
Series& Vec<Series>::with(std::vector<std::string> values) {
  CHECK(values.size() == description_.labels.size(), description_.name);
  ThreadLock lock(mutex_);
  auto it = series_.find(values);
  if (it == series_.end()) {
    if (series_.size() >= series_max) values.assign(values.size(), "overflow");
    std::unique_ptr<Series> made;
    if constexpr (std::is_same_v<Series, Histogram>) {
      made = std::make_unique<Histogram>(bounds_);
    } else {
      made = std::make_unique<Series>();
    }
    it = series_.try_emplace(std::move(values), std::move(made)).first;
  }
  return *it->second;
}

template <class Series>
void Vec<Series>::remove(const std::vector<std::string>& values) {
  ThreadLock lock(mutex_);
  series_.erase(values);
}

template <class Series>
void Vec<Series>::write(std::string& out) const {
  ThreadLock lock(mutex_);
  if (series_.empty()) return;
  write_head(out, description_.name, description_.help, type_name<Series>());
  for (const auto& [values, series] : series_) write_series(out, description_, values, *series);
}

template class Vec<Counter>;
template class Vec<Gauge>;
template class Vec<Histogram>;

void write_held_metrics(std::string& out) {
  constexpr std::string_view labels[] = {"executor"};
  const std::vector<rt::HeldTotals> totals = rt::held_totals();
  const auto all = [&](std::string_view name, auto value) {
    for (std::size_t i = 0; i < totals.size(); ++i) {
      const std::string values[] = {std::to_string(i)};
      write_sample(out, name, labels, values, value(totals[i]));
    }
  };
  write_head(out, "pintle_executor_held_total", "Steps that used their executor's processor for longer than 100 ms, or 1 s where long work is sent.",
             "counter");
  all("pintle_executor_held_total", [](const rt::HeldTotals& of) { return static_cast<double>(of.count); });
  write_head(out, "pintle_executor_held_seconds_max", "The longest of these steps.", "gauge");
  all("pintle_executor_held_seconds_max", [](const rt::HeldTotals& of) { return std::chrono::duration<double>(of.longest).count(); });
}

static void write_build_info(std::string& out) {
  constexpr std::string_view labels[] = {"build_date", "compiler", "git_commit", "git_tree_state", "git_version",
                                         "go_version", "major",    "minor",      "platform"};
  const std::string values[] = {"", "gcc", "", "", kubernetes_version, "", kubernetes_major, kubernetes_minor, "linux/amd64"};  // as /version tells
  write_head(out, "kubernetes_build_info", "Always 1; its labels say which version this is.", "gauge");
  write_sample(out, "kubernetes_build_info", labels, values, 1);
}

void write_process_metrics(std::string& out) {
  write_build_info(out);
  write_held_metrics(out);
  write_heap_metrics(out);
  std::ifstream stat("/proc/self/stat");
  const std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  const std::size_t after_name = text.rfind(')');
  if (after_name == std::string::npos) return;
  std::istringstream fields(text.substr(after_name + 1));
  std::vector<std::string> values{std::istream_iterator<std::string>(fields), std::istream_iterator<std::string>()};
  if (values.size() < 22) return;
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const double page = static_cast<double>(sysconf(_SC_PAGESIZE));
  double boot = 0;
  std::ifstream proc_stat("/proc/stat");
  for (std::string line; std::getline(proc_stat, line);)
    if (line.starts_with("btime ")) boot = std::stod(line.substr(6));
  std::error_code failure;
  std::size_t descriptors = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failure)) ++descriptors;
  const auto gauge = [&](std::string_view name, std::string_view help, std::string_view type, double value) {
    write_head(out, name, help, type);
    write_sample(out, name, {}, {}, value);
  };
  gauge("process_cpu_seconds_total", "User and system CPU time spent, in seconds.", "counter",
        (std::stod(values[11]) + std::stod(values[12])) / ticks);
  gauge("process_resident_memory_bytes", "Resident memory, in bytes.", "gauge", std::stod(values[21]) * page);
  gauge("process_virtual_memory_bytes", "Virtual memory, in bytes.", "gauge", std::stod(values[20]));
  gauge("process_open_fds", "Open file descriptors.", "gauge", static_cast<double>(descriptors));
  struct rlimit files {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0)
    gauge("process_max_fds", "The most descriptors that may be open.", "gauge", static_cast<double>(files.rlim_cur));
  gauge("process_start_time_seconds", "Start of the process, in seconds since 1970.", "gauge", boot + std::stod(values[19]) / ticks);
}

}  // namespace pintle::component::metrics
