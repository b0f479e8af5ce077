#include "driver.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include <sanitizer/asan_interface.h>

namespace {

constexpr std::size_t edges_max = 1 << 16;
std::array<unsigned char, edges_max> edges;      // of the input that runs
std::array<unsigned char, edges_max> edges_ever;
uintptr_t previous = 0;

std::string current;
const char* crash_path = "crash";

void save_crash() {
  if (FILE* file = std::fopen(crash_path, "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
    std::fprintf(stderr, "the input is in %s (%zu bytes)\n", crash_path, current.size());
  }
}

void on_signal(int signal) {
  save_crash();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

// Called by the instrumented code at every basic block.
extern "C" void __sanitizer_cov_trace_pc() {
  const auto pc = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  edges[(pc ^ previous) % edges_max] = 1;
  previous = pc >> 1;
}

namespace pintle::fuzz {
namespace {

class Mutator {
 public:
  Mutator(uint64_t seed, const std::vector<std::string>& corpus, const std::vector<std::string>& tokens)
      : random_(seed), corpus_(corpus), tokens_(tokens) {}

  std::string next() {
    std::string text = corpus_[below(corpus_.size())];
    for (std::size_t n = 1 + below(6); n > 0; --n) change(text);
    if (text.size() > input_max_bytes) text.resize(input_max_bytes);
    return text;
  }

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1), rest = text.size() - at;
    switch (below(8)) {
      case 0:
        if (rest > 0) text[at] = static_cast<char>(text[at] ^ 1 << below(8));
        return;
      case 1: text.insert(at, 1, static_cast<char>(below(256))); return;
      case 2: text.erase(at, 1 + below(std::min<std::size_t>(rest, 16))); return;
      case 3:
        if (!tokens_.empty()) text.insert(at, tokens_[below(tokens_.size())]);
        return;
      case 4: text.insert(below(text.size() + 1), text.substr(at, 1 + below(64))); return;
      case 5: {
        const std::string& other = corpus_[below(corpus_.size())];
        text = text.substr(0, at) + other.substr(below(other.size() + 1));
        return;
      }
      case 6:
        if (rest > 0) text[at] = static_cast<char>(text[at] + 1 - 2 * static_cast<int>(below(2)));
        return;
      default: {
        const std::string piece = text.substr(at, 1 + below(32));
        for (std::size_t n = below(8); n > 0; --n) text.insert(at, piece);
      }
    }
  }

  std::mt19937_64 random_;
  const std::vector<std::string>& corpus_;
  const std::vector<std::string>& tokens_;
};

// Whether the input reached an edge that none did before.
bool run(const std::string& input) {
  current = input;
  edges.fill(0);
  previous = 0;
  one(current);
  bool fresh = false;
  for (std::size_t i = 0; i < edges_max; ++i) {
    fresh |= edges[i] > edges_ever[i];
    edges_ever[i] |= edges[i];
  }
  return fresh;
}

int run_for(std::chrono::seconds limit, uint64_t seed) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::string> corpus{""};
  const std::vector<std::string> pieces = tokens();
  for (std::string& text : seeds()) {
    run(text);
    corpus.push_back(std::move(text));
  }
  Mutator mutator(seed, corpus, pieces);
  const auto start = Clock::now();
  uint64_t runs = 0;
  auto slowest = Clock::duration::zero();
  while (Clock::now() - start < limit) {
    const auto before = Clock::now();
    std::string input = mutator.next();
    const bool fresh = run(input);
    slowest = std::max(slowest, Clock::now() - before);
    ++runs;
    if (fresh) corpus.push_back(std::move(input));
  }
  std::printf("%llu runs, %zu inputs kept, %td edges, slowest run %lld us\n", static_cast<unsigned long long>(runs), corpus.size(),
              std::count(edges_ever.begin(), edges_ever.end(), 1), static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(slowest).count()));
  return 0;
}

}  // namespace
}  // namespace pintle::fuzz

// SECONDS [SEED], or a file to run once.
int main(int argc, char** argv) {
  static std::string path = std::string("crash-") + (std::strrchr(argv[0], '/') != nullptr ? std::strrchr(argv[0], '/') + 1 : argv[0]);
  crash_path = path.c_str();
  __asan_set_death_callback(save_crash);
  std::signal(SIGABRT, on_signal);
  if (argc > 1 && std::atoi(argv[1]) == 0) {
    FILE* file = std::fopen(argv[1], "rb");
    if (file == nullptr) return 2;
    char buffer[65536];
    const std::size_t n = std::fread(buffer, 1, sizeof buffer, file);
    std::fclose(file);
    pintle::fuzz::one({buffer, n});
    return 0;
  }
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 10;
  return pintle::fuzz::run_for(std::chrono::seconds(seconds), argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
}
