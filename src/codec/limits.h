// What one document may ask of the process, whatever form it comes in. Walkers over documents and typed objects are recursive, and
// need no guard of their own because nothing deeper than nesting_max is ever made: readers, patches and decoders refuse it.
#pragma once

#include <cstddef>

namespace pintle::codec {

// Containers inside containers; then BadRequest (400), of a patch's result Invalid (422). Upstream's JSON reader stops at 10,000.
// A level costs the hungriest walker (validation of a CustomResourceDefinition) less than 8 KiB of stack: everything fits 2 MiB.
constexpr int nesting_max = 256;

// Memory of what a client's document or object is decoded into, its text aside; then RequestEntityTooLarge (413). "[{},{},..." makes
// 500 bytes of three. A definition of 1.2 MB with a property every 50 bytes takes 22 MiB.
constexpr std::size_t decoded_bytes_max = 32 << 20;

}  // namespace pintle::codec
