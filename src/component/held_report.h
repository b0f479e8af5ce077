// A log line for each step that held an executor for over 100 ms (rt/held.h).
#pragma once

namespace pintle::component {

// From now on, through component/log. Once a process, before executors run.
void report_held_executors();

}  // namespace pintle::component
