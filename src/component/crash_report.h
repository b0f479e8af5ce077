// What a process says when a signal ends it: which one, and the return addresses of the thread, to be named by
// addr2line -e BINARY, and whether its stack was full. The process then ends as it would have (its core, its status).
#pragma once

namespace pintle::component {

// Builds with a sanitizer leave it to that. For SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT, from now on; once a process, on its
// main thread. Another thread tells of its own full stack if it has an rt::SignalStack.
void report_crashes();

}  // namespace pintle::component
