#include "client/packed_objects.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "api/codec.h"
#include "base/check.h"

namespace pintle::client {

namespace {

constexpr int packing_level = 1;
constexpr std::size_t dictionary_bytes_max = 16 << 10;
constexpr std::size_t sample_bytes_max = 4 << 10;  // of one object: a huge one is not what the others look like
constexpr uint64_t first_dictionary_after = 32;    // objects; the next ones each after four times as many
constexpr uint64_t next_dictionary_factor = 4;
constexpr std::size_t objects_sampled = 16;

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// One a thread for all packers: a context is some 100 KiB.
ZSTD_CCtx* compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
  CHECK(context != nullptr, "no memory for a compressor");
  return context.get();
}
ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context(ZSTD_createDCtx());
  CHECK(context != nullptr, "no memory for a decompressor");
  return context.get();
}

std::size_t checked_size(std::size_t outcome) {
  CHECK(!ZSTD_isError(outcome), ZSTD_getErrorName(outcome));
  return outcome;
}

}  // namespace

struct Packer::Dictionary {
  Dictionary(uint32_t number_given, std::string_view content)
      : number(number_given),
        for_packing(ZSTD_createCDict(content.data(), content.size(), packing_level)),
        for_unpacking(ZSTD_createDDict(content.data(), content.size())) {
    CHECK(for_packing != nullptr && for_unpacking != nullptr, "no memory for a dictionary");
  }
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;
  ~Dictionary() {
    ZSTD_freeCDict(for_packing);
    ZSTD_freeDDict(for_unpacking);
  }
  // Of one that no new object is packed with.
  void retire() {
    ZSTD_freeCDict(for_packing);
    for_packing = nullptr;
  }

  uint32_t number;
  ZSTD_CDict* for_packing;
  ZSTD_DDict* for_unpacking;
  std::size_t objects = 0;
};

Packer::Packer(const api::Type& type) : type_(type), learn_at_(first_dictionary_after) {}
Packer::~Packer() = default;

Packer::Dictionary* Packer::find(uint32_t number) const {
  if (number == 0) return nullptr;
  const auto found = std::ranges::find_if(dictionaries_, [&](const auto& one) { return one->number == number; });
  CHECK(found != dictionaries_.end(), "the dictionary of a packed object is gone");
  return found->get();
}

// The last objects before a dictionary is due are what it is made of.
void Packer::learn(std::string_view raw) {
  if (packs_ + objects_sampled < learn_at_) return;
  samples_.append(raw.substr(0, std::min(raw.size(), sample_bytes_max)));
  if (packs_ < learn_at_) return;
  const std::size_t used = std::min(samples_.size(), dictionary_bytes_max);
  if (!dictionaries_.empty()) dictionaries_.back()->retire();
  std::erase_if(dictionaries_, [](const auto& one) { return one->objects == 0; });
  dictionaries_.push_back(std::make_unique<Dictionary>(++last_number_, std::string_view(samples_).substr(samples_.size() - used)));
  samples_ = {};
  learn_at_ *= next_dictionary_factor;
}

PackedObject Packer::pack(const void* object) {
  CHECK(type_.rest_offset < 0, "members that no field names are in no protobuf");
  raw_.clear();
  api::encode_proto(type_, object, raw_);
  ++packs_;
  learn(raw_);
  Dictionary* dictionary = dictionaries_.empty() ? nullptr : dictionaries_.back().get();
  compressed_.resize(ZSTD_compressBound(raw_.size()));
  ZSTD_CCtx* const context = compressor();
  checked_size(ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters));
  checked_size(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, packing_level));
  if (dictionary != nullptr) checked_size(ZSTD_CCtx_refCDict(context, dictionary->for_packing));
  const std::size_t size = checked_size(ZSTD_compress2(context, compressed_.data(), compressed_.size(), raw_.data(), raw_.size()));
  PackedObject out;
  out.bytes_ = std::make_unique_for_overwrite<char[]>(size);
  std::memcpy(out.bytes_.get(), compressed_.data(), size);
  out.size_ = static_cast<uint32_t>(size);
  if (dictionary != nullptr) {
    out.dictionary_ = dictionary->number;
    ++dictionary->objects;
  }
  packed_bytes_ += size;
  return out;
}

api::Object Packer::unpack(const PackedObject& packed) const {
  const std::string_view bytes(packed.bytes_.get(), packed.size_);
  const unsigned long long raw_size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  CHECK(raw_size != ZSTD_CONTENTSIZE_UNKNOWN && raw_size != ZSTD_CONTENTSIZE_ERROR, "not a packed object");
  std::string raw(raw_size, '\0');
  const Dictionary* dictionary = find(packed.dictionary_);
  const std::size_t size =
      checked_size(dictionary == nullptr
                       ? ZSTD_decompressDCtx(decompressor(), raw.data(), raw.size(), bytes.data(), bytes.size())
                       : ZSTD_decompress_usingDDict(decompressor(), raw.data(), raw.size(), bytes.data(), bytes.size(), dictionary->for_unpacking));
  CHECK(size == raw_size, "a packed object is cut short");
  api::Object out(type_);
  const auto decoded = api::decode_proto(raw, type_, out.data());
  CHECK(decoded.has_value(), "a packed object does not decode");
  return out;
}

void Packer::drop(PackedObject& packed) {
  if (!packed) return;
  packed_bytes_ -= packed.size_;
  if (packed.dictionary_ != 0) {
    Dictionary* const mine = find(packed.dictionary_);
    if (--mine->objects == 0 && mine != dictionaries_.back().get()) std::erase_if(dictionaries_, [&](const auto& one) { return one.get() == mine; });
  }
  packed = {};
}

}  // namespace pintle::client
