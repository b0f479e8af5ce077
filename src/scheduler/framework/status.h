// What plugins answer: a code with reasons that users read. PluginStatus is the answer of a phase that runs once for a pod;
// filters, which run for each node, answer a Code and leave their reasons in a Reasons without an allocation.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace pintle::scheduler {

enum class Code : uint8_t {
  Success,
  Error,                         // something went wrong: tried again with backoff
  Unschedulable,                 // preemption may help
  UnschedulableAndUnresolvable,  // it would not
  Skip,                          // of PreFilter, PreScore, Bind: this plugin has nothing to say about the pod
  Pending,                       // wait for an event, without backoff
};
std::string_view code_name(Code code);  // as metrics label it

inline bool is_rejected(Code code) { return code == Code::Unschedulable || code == Code::UnschedulableAndUnresolvable || code == Code::Pending; }

struct PluginStatus {
  Code code = Code::Success;
  std::vector<std::string> reasons;
  int plugin = -1;  // index of the plugin that answered

  static PluginStatus of(Code code, std::string reason) { return {code, {std::move(reason)}}; }
  static PluginStatus skip() { return {Code::Skip, {}}; }
  // An error with the message of `status`.
  static PluginStatus failure(const Status& status) { return {Code::Error, {status.message}}; }
  bool ok() const { return code == Code::Success; }
  std::string message() const;  // the reasons, joined by ", "
};

// The reasons of one node. The texts live as long as the cycle: literals, or owned by the cycle's state. Those past
// the limit are left out of the message.
constexpr std::size_t node_reasons_max = 8;
class Reasons {
 public:
  void add(std::string_view text) {
    if (size_ < node_reasons_max) texts_[size_++] = text;
  }
  void clear() { size_ = 0; }
  std::size_t size() const { return size_; }
  const std::string_view* begin() const { return texts_.data(); }
  const std::string_view* end() const { return texts_.data() + size_; }

 private:
  std::array<std::string_view, node_reasons_max> texts_;
  uint8_t size_ = 0;
};

}  // namespace pintle::scheduler
