// The process that holds a pod's namespaces: does nothing, reaps the children that its pod leaves behind, ends on SIGINT
// and SIGTERM.
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

namespace {

void reap(int) {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}
void end(int) { _exit(0); }

}  // namespace

int main() {
  struct sigaction action = {};
  action.sa_flags = SA_NOCLDSTOP;
  action.sa_handler = reap;
  sigaction(SIGCHLD, &action, nullptr);
  action.sa_handler = end;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  while (true) pause();
}
