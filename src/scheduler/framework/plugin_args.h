// The args of a plugin in a KubeSchedulerConfiguration.
#pragma once

#include "api/codec.h"
#include "api/type.h"
#include "base/status.h"

namespace pintle::scheduler {

// `args` is JSON, or empty. BadRequest on an unknown field, as the file is read strictly.
template <class Args>
Result<Args> parse_args(const std::string& args) {
  Args out{};
  if (args.empty()) return out;
  api::DecodeReport report;
  TRY(api::decode_json(args, api::type_of<Args>(), &out, api::Strictness::Collect, &report));
  if (!report.problems.empty()) return bad_request("strict decoding error: " + report.problems.front());
  return out;
}

}  // namespace pintle::scheduler
