// /bin/sh of the test images: busybox' shell, whose messages the suite compares; or bash where the environment has names
// that are no identifiers (data-1), which busybox' shell would not hand on.
#include <unistd.h>
#include <cctype>
#include <cstdio>

extern char** environ;

namespace {

bool is_identifier(const char* entry) {
  if (std::isdigit(static_cast<unsigned char>(*entry))) return false;
  for (; *entry != 0 && *entry != '='; ++entry) {
    if (!std::isalnum(static_cast<unsigned char>(*entry)) && *entry != '_') return false;
  }
  return true;
}

}  // namespace

int main(int, char** argv) {
  const char* program = "/bin/busybox";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!is_identifier(*entry)) program = "/bin/bash";
  }
  char name[] = "/bin/sh";
  argv[0] = name;  // busybox does what its name says
  execv(program, argv);
  std::perror(program);
  return 127;
}
