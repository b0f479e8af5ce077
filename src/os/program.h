// The machine's programs (mkfs, mount, ctr): each with a time limit, in a process group of its own, which ends with it.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "os/process.h"
#include "rt/clock.h"

namespace pintle::os {

constexpr std::size_t shown_output_bytes_max = 1024;  // of a program, in an event

// Error: it could not be started (NotFound: it is not installed), or did not end in time (Timeout).
rt::Task<Result<ProcessOutput>> run_program(rt::Context ctx, std::vector<std::string> argv, rt::Duration limit);
// What it said, standard output first, in one line of printable characters.
std::string shown_output(const ProcessOutput& output);

}  // namespace pintle::os
