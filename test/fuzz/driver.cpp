#include "driver.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <sanitizer/asan_interface.h>

#include "corpus.h"
#include "limits.h"
#include "mutator.h"

namespace {

constexpr std::size_t edges_max = 1 << 16;
std::array<unsigned char, edges_max> edges;  // of the input that runs
std::array<unsigned char, edges_max> edges_ever;
std::array<uint32_t, edges_max> touched;  // the edges of the input that runs, by number
std::size_t touched_count = 0;
uintptr_t previous = 0;

std::string current;
std::string crash_path = "crash";

void save_crash() {
  if (FILE* file = std::fopen(crash_path.c_str(), "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
    std::fprintf(stderr, "the input is in %s (%zu bytes)\n", crash_path.c_str(), current.size());
  }
}

void on_signal(int signal) {
  save_crash();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void on_breach(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

// Called by the instrumented code at every basic block.
extern "C" void __sanitizer_cov_trace_pc() {
  const auto pc = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  const auto edge = static_cast<uint32_t>((pc ^ previous) % edges_max);
  previous = pc >> 1;
  if (edges[edge] == 0) {
    edges[edge] = 1;
    touched[touched_count++] = edge;
  }
  pintle::fuzz::note_stack(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
}

namespace pintle::fuzz {
namespace {

// Inputs that are kept for the next time, and their size.
constexpr std::size_t kept_inputs_max = 60, kept_bytes_max = 400;

// Whether the input reached an edge that none did before.
bool run(const std::string& input) {
  current = input;
  for (std::size_t i = 0; i < touched_count; ++i) edges[touched[i]] = 0;
  touched_count = 0;
  previous = 0;
  begin_limits(current.size());
  one(current);
  end_limits();
  bool fresh = false;
  for (std::size_t i = 0; i < touched_count; ++i) {
    fresh |= edges_ever[touched[i]] == 0;
    edges_ever[touched[i]] = 1;
  }
  return fresh;
}

// Of the inputs that are not long, some that together reach most: the longest first, which each reach much.
void keep(std::vector<std::string> corpus, const std::string& path) {
  std::stable_sort(corpus.begin(), corpus.end(), [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  edges_ever.fill(0);
  std::vector<std::string> kept;
  for (std::string& input : corpus)
    if (input.size() <= kept_bytes_max && kept.size() < kept_inputs_max && run(input)) kept.push_back(std::move(input));
  if (!write_corpus(path, kept)) std::fprintf(stderr, "cannot write %s\n", path.c_str());
}

struct Options {
  std::string target;
  int seconds = 10;
  uint64_t seed = 1;
  std::string replay;  // a file whose bytes are run once
  bool keep = false;   // seeds/<target>.txt is written anew
};

int replay(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return 2;
  run(std::string(std::istreambuf_iterator<char>(file), {}));
  std::printf("%lld us, %zu bytes at once, %zu bytes of stack\n", static_cast<long long>(usage().slowest_us), usage().memory_bytes,
              usage().stack_bytes);
  return 0;
}

int run_for(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const std::string seeds_path = FUZZ_SEEDS "/" + options.target + ".txt";
  std::vector<std::string> corpus{""}, all = read_corpus(seeds_path);
  const std::vector<std::string> pieces = tokens();
  for (std::string& text : seeds()) all.push_back(std::move(text));
  const auto start = Clock::now();
  uint64_t runs = 0;
  for (std::string& text : all) {
    run(text);
    ++runs;
    corpus.push_back(std::move(text));
  }
  Mutator mutator(options.seed, corpus, pieces);
  while (Clock::now() - start < std::chrono::seconds(options.seconds)) {
    std::string input = mutator.next();
    ++runs;
    if (run(input)) corpus.push_back(std::move(input));
  }
  std::printf("%llu runs, %d s, %zu inputs kept, %td edges, slowest %lld us, most memory %zu KiB, most stack %zu KiB\n",
              static_cast<unsigned long long>(runs), options.seconds, corpus.size(), std::count(edges_ever.begin(), edges_ever.end(), 1),
              static_cast<long long>(usage().slowest_us), usage().memory_bytes >> 10, usage().stack_bytes >> 10);
  if (options.keep) keep(std::move(corpus), seeds_path);
  return 0;
}

void* main_loop(void* argument) {
  const auto& options = *static_cast<const Options*>(argument);
  install_limits(on_breach);
  static int result = 0;
  result = options.replay.empty() ? run_for(options) : replay(options.replay);
  return &result;
}

}  // namespace
}  // namespace pintle::fuzz

// SECONDS [SEED] [keep], or a file to run once.
int main(int argc, char** argv) {
  pintle::fuzz::Options options;
  const char* slash = std::strrchr(argv[0], '/');
  const std::string name = slash != nullptr ? slash + 1 : argv[0];
  options.target = name.substr(std::min(name.size(), std::strlen("fuzz_")));
  crash_path = "crash-" + name;
  __asan_set_death_callback(save_crash);
  std::signal(SIGABRT, on_signal);
  if (argc > 1 && std::atoi(argv[1]) == 0) {
    options.replay = argv[1];
  } else {
    if (argc > 1) options.seconds = std::atoi(argv[1]);
    if (argc > 2) options.seed = std::strtoull(argv[2], nullptr, 10);
    options.keep = argc > 3 && std::strcmp(argv[3], "keep") == 0;
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, pintle::fuzz::stack_bytes);
  pthread_t thread;
  void* result = nullptr;
  if (pthread_create(&thread, &attributes, pintle::fuzz::main_loop, &options) != 0 || pthread_join(thread, &result) != 0) return 2;
  return *static_cast<int*>(result);
}
