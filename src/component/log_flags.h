// The flags of logging that all components have: -v, --vmodule, --logging-format.
#pragma once

#include "component/flags.h"
#include "component/log.h"

namespace pintle::component {

// What they say. The set has all three. BadRequest: a format that there is not.
inline Result<log::Options> log_options(const FlagSet& flags) {
  log::Options out;
  out.verbosity = static_cast<int>(flags.get_int("v"));
  TRY_ASSIGN(out.vmodule, log::parse_vmodule(flags.get_string("vmodule")));
  const std::string format = flags.get_string("logging-format");
  if (format != "text" && format != "json") return bad_request("--logging-format must be text or json, not \"" + format + "\"");
  out.format = format == "json" ? log::Format::Json : log::Format::Text;
  return out;
}

}  // namespace pintle::component
