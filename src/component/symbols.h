// The names of this program's own functions, from the symbol table of its file and of the libraries it has loaded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pintle::component {

// Of each address, which lies inside a function's code: its name, demangled; "" where none is known (a stripped file). Reads the program's
// file: milliseconds, and not on an executor.
std::vector<std::string> function_names(const std::vector<uint64_t>& addresses);

}  // namespace pintle::component
