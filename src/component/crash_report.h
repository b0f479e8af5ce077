// What a process says when a signal ends it: which one, and the return addresses of the thread, to be named by
// addr2line -e BINARY. The process then ends as it would have (its core, its status).
#pragma once

namespace pintle::component {

// Builds with a sanitizer leave it to that. For SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT, from now on; once a process.
void report_crashes();

}  // namespace pintle::component
