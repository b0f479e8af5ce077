#include "scheduler/framework/status.h"

namespace pintle::scheduler {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::Success: return "Success";
    case Code::Error: return "Error";
    case Code::Unschedulable: return "Unschedulable";
    case Code::UnschedulableAndUnresolvable: return "UnschedulableAndUnresolvable";
    case Code::Skip: return "Skip";
    case Code::Pending: return "Pending";
  }
  return "";
}

std::string PluginStatus::message() const {
  std::string out;
  for (const std::string& reason : reasons) {
    if (!out.empty()) out += ", ";
    out += reason;
  }
  return out;
}

}  // namespace pintle::scheduler
