#include "apiserver/fairness/shuffle_sharding.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace pintle::apiserver::fairness {

int required_entropy_bits(int deck_size, int hand_size) {
  double bits = 0;
  for (int i = 0; i < hand_size && i < deck_size; ++i) bits += std::log2(static_cast<double>(deck_size - i));
  return static_cast<int>(std::ceil(bits));
}

std::span<const int> deal(uint64_t hash, int deck_size, int hand_size, Hand& into) {
  hand_size = std::min(hand_size, hand_size_max);
  CHECK(hand_size > 0 && hand_size <= deck_size, "a hand is dealt from its deck");
  for (int i = 0; i < hand_size; ++i) {
    const auto left = static_cast<uint64_t>(deck_size - i);
    int card = static_cast<int>(hash % left);
    hash /= left;
    // The card's number among those that are left; `into` is kept in ascending order meanwhile.
    int at = 0;
    while (at < i && into[at] <= card) ++card, ++at;
    std::copy_backward(into.begin() + at, into.begin() + i, into.begin() + i + 1);
    into[at] = card;
  }
  return {into.data(), static_cast<std::size_t>(hand_size)};
}

}  // namespace pintle::apiserver::fairness
