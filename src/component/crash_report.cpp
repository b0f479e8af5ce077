#include "component/crash_report.h"

#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <initializer_list>

namespace pintle::component {

namespace {

constexpr int frames_max = 64;

void say(const char* text) {
  const auto written = write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(written);   // nobody is left to be told
}

// Only what may be called in a signal handler.
void report(int signal) {
  say("pintle: ended by signal ");
  const char number[] = {static_cast<char>('0' + signal / 10), static_cast<char>('0' + signal % 10), '\0'};
  say(number[0] == '0' ? number + 1 : number);
  say("; addr2line names the addresses:\n");
  void* frames[frames_max];
  backtrace_symbols_fd(frames, backtrace(frames, frames_max), STDERR_FILENO);
  raise(signal);   // its handler is the default one again
}

}  // namespace

void report_crashes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return;   // the sanitizer tells more
#endif
  void* frame = nullptr;
  backtrace(&frame, 1);   // its first call loads a library, which a handler must not
  struct sigaction action {};
  action.sa_handler = report;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) sigaction(signal, &action, nullptr);
}

}  // namespace pintle::component
