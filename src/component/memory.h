// What a process does so that its resident memory is what it uses. Once a process each; threads may run.
#pragma once

namespace pintle::component {

// Large buffers go back to the system when they are freed, and threads share arenas. Before any thread starts.
void tune_allocator();
// When a start has ended: free heap pages leave, and so do the pages of code and constants, which come back from the page cache
// as they are needed (breakpoints that a debugger has set before are lost).
void release_start_memory();

}  // namespace pintle::component
