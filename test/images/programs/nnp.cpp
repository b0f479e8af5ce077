// Prints its effective uid: installed setuid root, it shows whether a container may gain privileges.
#include <unistd.h>
#include <cstdio>

int main() { std::printf("Effective uid: %d\n", static_cast<int>(geteuid())); }
