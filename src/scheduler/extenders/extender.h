// Extender: one program outside, asked over HTTP. A call lasts as long as its configuration allows, and its answer has a bound; nothing is tried
// again. Errors say which extender: ServiceUnavailable when it cannot be reached or answers anything but 200, Timeout, BadRequest for what it says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/client.h"
#include "rt/context.h"
#include "rt/runtime.h"
#include "rt/task.h"
#include "scheduler/extenders/messages.h"

namespace pintle::scheduler::extenders {

constexpr std::size_t answer_bytes_max = 128 << 20;  // whole nodes, thousands of them
constexpr rt::Duration default_timeout = std::chrono::seconds(5);

class Extender {
 public:
  // BadRequest names the certificate that cannot be used.
  static Result<std::unique_ptr<Extender>> make(rt::Runtime& runtime, Spec spec);

  const Spec& spec() const { return spec_; }
  const std::string& name() const { return spec_.url_prefix; }
  rt::Task<Result<FilterAnswer>> filter(rt::Context ctx, PodPtr pod, std::vector<NodePtr> nodes);
  rt::Task<Result<std::map<std::string, int64_t>>> prioritize(rt::Context ctx, PodPtr pod, std::vector<NodePtr> nodes);
  rt::Task<Result<std::map<std::string, VictimNames>>> preempt(rt::Context ctx, PodPtr pod, VictimsByNode victims, WholePod whole_pod);
  rt::Task<Result<Unit>> bind(rt::Context ctx, PodPtr pod, std::string node);
  rt::Task<void> close() { co_await transport_->close(); }

 private:
  Extender(Spec spec, std::unique_ptr<net::Transport> transport) : spec_(std::move(spec)), transport_(std::move(transport)) {}
  rt::Task<Result<std::string>> post(rt::Context ctx, std::string verb, std::string body);
  Unexpected<Status> failed(std::string_view verb, Status why) const;
  // What it said, or whose fault it is that it cannot be read.
  template <class T>
  Result<T> said(std::string_view verb, Result<T> answer) const {
    if (answer) return answer;
    return failed(verb, std::move(answer).error());
  }

  const Spec spec_;
  const std::unique_ptr<net::Transport> transport_;
};

}  // namespace pintle::scheduler::extenders
