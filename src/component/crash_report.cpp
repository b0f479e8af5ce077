#include "component/crash_report.h"

#include <execinfo.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "rt/signal_stack.h"

namespace pintle::component {

namespace {

constexpr int frames_max = 64;
// A function that finds no more room touches memory so near its stack pointer, or below it by its own frame.
constexpr std::uintptr_t stack_reach_bytes = 256 << 10;

void say(const char* text) {
  const auto written = write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(written);  // nobody is left to be told
}

bool stack_is_full(int signal, const siginfo_t& info, const void* context) {
  if (signal != SIGSEGV || info.si_code <= 0) return false;  // not the kernel's own
#if defined(__x86_64__)
  const auto stack = static_cast<std::uintptr_t>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
  const auto stack = static_cast<std::uintptr_t>(static_cast<const ucontext_t*>(context)->uc_mcontext.sp);
#endif
  const auto touched = reinterpret_cast<std::uintptr_t>(info.si_addr);
  return touched - stack + stack_reach_bytes < 2 * stack_reach_bytes;
}

// Only what may be called in a signal handler. It runs on the thread's signal stack: its own may be what is full.
void report(int signal, siginfo_t* info, void* context) {
  say("pintle: ended by signal ");
  const char number[] = {static_cast<char>('0' + signal / 10), static_cast<char>('0' + signal % 10), '\0'};
  say(number[0] == '0' ? number + 1 : number);
  if (stack_is_full(signal, *info, context)) say(", the stack is full");
  say("; addr2line names the addresses:\n");
  void* frames[frames_max];
  backtrace_symbols_fd(frames, backtrace(frames, frames_max), STDERR_FILENO);
  raise(signal);  // its handler is the default one again
}

}  // namespace

void report_crashes() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return;  // the sanitizer tells more
#endif
  static const rt::SignalStack main_thread;  // those that rt and storage start have their own
  void* frame = nullptr;
  backtrace(&frame, 1);  // its first call loads a library, which a handler must not
  struct sigaction action {};
  action.sa_sigaction = report;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) sigaction(signal, &action, nullptr);
}

}  // namespace pintle::component
