// Prints its effective uid: installed setuid root, it shows whether a container may gain privileges.
#include <cstdio>
#include <unistd.h>

int main() { std::printf("Effective uid: %d\n", static_cast<int>(geteuid())); }
