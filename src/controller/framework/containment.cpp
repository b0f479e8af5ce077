#include "controller/framework/containment.h"

#include <exception>
#include <string>

namespace pintle::controller {

Status Contained::escaped() {
  std::string what = "an exception of no known kind";
  try {
    throw;
  } catch (const std::exception& failure) {
    what = failure.what();
  } catch (...) {
  }
  if (on_failure) on_failure(what);
  return Status{Reason::InternalError, 0, "contained: " + what, {}};
}

}  // namespace pintle::controller
