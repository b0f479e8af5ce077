// Makes inputs out of kept ones: small changes mostly, now and then one that multiplies (a piece a thousand times, brackets a
// thousand deep), which is what finds depth, time and memory without a limit.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace pintle::fuzz {

class Mutator {
 public:
  // Both outlive it; the corpus may grow.
  Mutator(uint64_t seed, const std::vector<std::string>& corpus, const std::vector<std::string>& tokens)
      : random_(seed), corpus_(corpus), tokens_(tokens) {}
  std::string next();

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
  void change(std::string& text);
  void multiply(std::string& text);

  std::mt19937_64 random_;
  const std::vector<std::string>& corpus_;
  const std::vector<std::string>& tokens_;
};

}  // namespace pintle::fuzz
