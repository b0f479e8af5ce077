#include "component/held_report.h"

#include <string>

#include "component/log.h"
#include "rt/held.h"

namespace pintle::component {

void report_held_executors() {
  rt::observe_held([](const rt::Held& held) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(held.processor).count();
    log::warning("A step held an executor",
                 {{"executor", std::to_string(held.executor)}, {"ms", std::to_string(ms)}, {"work", std::string(held.work)}});
  });
}

}  // namespace pintle::component
