// Shuffle sharding: each flow gets a hand of a few queues, dealt by its hash, so that a heavy flow can fill no other
// flow's whole hand (but for a small chance). Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace pintle::apiserver::fairness {

constexpr int entropy_bits_max = 60;  // that a hand may need of a hash
constexpr int hand_size_max = 32;     // more different queues no 60 bits can choose usefully; larger hands are cut

// Bits of a hash that decide a hand of `hand_size` out of `deck_size` queues.
int required_entropy_bits(int deck_size, int hand_size);

// The hand: `hand_size` different numbers below `deck_size`; 0 < hand_size <= deck_size.
using Hand = std::array<int, hand_size_max>;
std::span<const int> deal(uint64_t hash, int deck_size, int hand_size, Hand& into);

}  // namespace pintle::apiserver::fairness
